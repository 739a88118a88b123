/** What a deployment asks of the command line, held against the command line itself: a container that it could not start is found here. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { SOURCES } from '#services/context/sources/registry.ts';
import { createProgram } from '#services/cli/main.ts';

const program = await createProgram();

/** Variables that belong to Node or to the image and not to an option. */
const NOT_OPTIONS = new Set(['NODE_ENV', 'NODE_OPTIONS', 'TSX_DISABLE_CACHE', 'TMPDIR', 'CUDA_CACHE_PATH']);

/** Keys of context sources, which are no options: they never stand in a command line. */
const KEYS = new Set(SOURCES.flatMap(({ key }) => (key === undefined ? [] : [key.env, `${key.env}_FILE`])));

/** Secrets, which are no options either, with the option beside which a command reads each. */
const SECRETS: Readonly<Record<string, string>> = {
  KAFKA_PASSWORD: 'KAFKA_USERNAME',
  CLICKHOUSE_PASSWORD: 'CLICKHOUSE_USER',
  TRIBUTARY_TOKENS: 'TRIBUTARY_TLS_CERT_FILE',
  TRIBUTARY_TOKEN: 'TRIBUTARY_URL',
};

/** What is wrong with a container that runs `tributary ...args` in this environment; nothing = []. Undefined values come from a secret. */
export function commandLineProblems(args: readonly string[], env: Readonly<Record<string, string | undefined>>): string[] {
  const { command, rest } = findCommand(program, args);
  const problems: string[] = [];
  const given = new Set<Option>();
  const check = (option: Option, value: string | undefined, where: string): void => {
    given.add(option);
    if (value === undefined) return;
    const wrong = valueProblem(option, value);
    if (wrong !== undefined) problems.push(`${where}: ${wrong}`);
  };
  const operands: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index]!;
    if (!argument.startsWith('-')) {
      operands.push(argument);
      continue;
    }
    const option = command.options.find(({ long, short }) => long === argument || short === argument);
    if (option === undefined) {
      problems.push(`${command.name()} has no option ${argument}`);
      if (rest[index + 1]?.startsWith('-') === false) index++;
    } else if (option.required || option.optional) check(option, rest[++index] ?? '', argument);
    else given.add(option);
    // `--rest-url a=1 b=2`
    while (option?.variadic === true && rest[index + 1] !== undefined && !rest[index + 1]!.startsWith('-')) index++;
  }
  for (const [name, value] of Object.entries(env)) {
    const option = command.options.find(({ envVar }) => envVar === name);
    if (option !== undefined) check(option, value, name);
    else if (!NOT_OPTIONS.has(name) && !(args[0] === 'context' && KEYS.has(name)) && !isSecretOf(command, name))
      problems.push(`${command.name()} reads no variable ${name}`);
  }
  for (const option of command.options)
    if (option.mandatory && option.defaultValue === undefined && !given.has(option))
      problems.push(`${command.name()} needs ${option.flags}`);
  const { length: allowed } = command.registeredArguments;
  const { length: needed } = command.registeredArguments.filter(({ required }) => required);
  if (operands.length < needed || operands.length > allowed)
    problems.push(`${command.name()} takes ${allowed} arguments: ${operands.join(' ') || 'none given'}`);
  return problems;
}

function isSecretOf(command: Command, name: string): boolean {
  const beside = SECRETS[name.replace(/_FILE$/, '')];
  return beside !== undefined && command.options.some(({ envVar }) => envVar === beside);
}

function findCommand(program: Command, args: readonly string[]): { command: Command; rest: readonly string[] } {
  let command = program;
  let rest = args;
  for (;;) {
    const [name] = rest;
    const nested = command.commands.find((each) => each.name() === name);
    if (nested === undefined) break;
    command = nested;
    rest = rest.slice(1);
  }
  // `features` alone is `features run`: the sibling whose options it takes.
  const fallback = command.commands.find((each) => each.name() === 'run');
  if (fallback !== undefined) command = fallback;
  if (command === program) throw new Error(`There is no command ${args.join(' ')}.`);
  return { command, rest };
}

function valueProblem(option: Option, value: string): string | undefined {
  if (option.argChoices !== undefined && !option.argChoices.includes(value))
    return `${value} is not one of ${option.argChoices.join(', ')}`;
  try {
    option.parseArg?.(value, undefined as never);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof InvalidArgumentError) return thrown.message;
    throw thrown;
  }
}
