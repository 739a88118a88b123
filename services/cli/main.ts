/**
 * `tributary`: one binary. Each command stands in the folder of the service it runs; this file only lists them. A command is loaded when it is asked for,
 * so that a service starts with what it needs.
 */
import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { inSources } from '#libs/errors/stack.ts';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  description: string;
};

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('#services/up/main.ts')).upCommand(),
  replay: async () => (await import('#services/replay/main.ts')).replayCommand(),
  backtest: async () => (await import('#services/backtest/main.ts')).backtestCommand(),
  features: async () => (await import('#services/features/main.ts')).featuresCommand(),
  train: async () => (await import('#services/training/main.ts')).trainCommand(),
  search: async () => (await import('#services/search/main.ts')).searchCommand(),
  models: async () => (await import('#services/cli/models.ts')).modelsCommand(),
  signals: async () => (await import('#services/gateway/signals.ts')).signalsCommand(),
  doctor: async () => (await import('#services/cli/doctor.ts')).doctorCommand(),
  ingest: async () => (await import('#services/ingest/main.ts')).ingestCommand(),
  clock: async () => (await import('#services/clock/main.ts')).clockCommand(),
  context: async () => (await import('#services/context/main.ts')).contextCommand(),
  inference: async () => (await import('#services/inference/main.ts')).inferenceCommand(),
  evaluation: async () => (await import('#services/evaluation/main.ts')).evaluationCommand(),
  paper: async () => (await import('#services/paper/main.ts')).paperCommand(),
  parity: async () => (await import('#services/parity/main.ts')).parityCommand(),
  rollout: async () => (await import('#services/rollout/main.ts')).rolloutCommand(),
  archive: async () => (await import('#services/archive/main.ts')).archiveCommand(),
  gateway: async () => (await import('#services/gateway/main.ts')).gatewayCommand(),
  backfill: async () => (await import('#services/backfill/main.ts')).backfillCommand(),
  simulator: async () => (await import('#services/simulator/main.ts')).simulatorCommand(),
  topics: async () => (await import('#services/cli/topics.ts')).topicsCommand(),
  store: async () => (await import('#services/archive/store.ts')).storeCommand(),
};

/** The command line with the commands named, all unless given, before it has read anything. */
export async function createProgram(names = Object.keys(COMMANDS)): Promise<Command> {
  const program = new Command('tributary')
    .description(manifest.description)
    .version(manifest.version)
    .showHelpAfterError('(tributary COMMAND --help lists the options)')
    .exitOverride();
  for (const name of names) program.addCommand(inherit(await COMMANDS[name]!(), program));
  return program;
}

/** Runs the command line; sets the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  const program = await createProgram(Object.hasOwn(COMMANDS, name) ? [name] : undefined);
  // Who reads has had enough, as `head` does after its lines: nothing is left to do.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    process.exitCode = report(thrown);
  }
}

function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program);
  for (const nested of command.commands) inherit(nested, command);
  return command;
}

function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  process.stderr.write(`error: ${describeError(thrown)}\n`);
  if (!(thrown instanceof TributaryError) && thrown instanceof Error) process.stderr.write(`${inSources(thrown.stack ?? '')}\n`);
  return thrown instanceof TributaryError && thrown.code === 'TRB_USAGE' ? 2 : 1;
}
