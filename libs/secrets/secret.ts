/**
 * Secrets: from the environment (`NAME`) or a mounted file (`NAME_FILE`) into memory, and from there only to whom they are for. They never
 * stand in a command line, which everyone on the machine can read.
 */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { messageOf, TributaryError } from '../errors/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const SHOWN = '(secret)';

/** Whoever prints it, logs it or puts it into JSON gets `(secret)`; `reveal` is the one way to what it holds. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

/** Undefined = not given. White space around it (a file's last line end) is no part of it. Throws `TRB_SECRET` where the file named cannot be read. */
export function readSecret(name: string, environment: Environment): Secret | undefined {
  const file = environment[`${name}_FILE`];
  const text = (file === undefined || file === '' ? environment[name] : readSecretFile(file, `${name}_FILE`).reveal())?.trim();
  return text === undefined || text === '' ? undefined : new Secret(text);
}

/** The whole file. `setting`: who named it, for the message of `TRB_SECRET`. */
export function readSecretFile(file: string, setting: string): Secret {
  try {
    return new Secret(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new TributaryError('TRB_SECRET', `${setting} cannot be read: ${messageOf(cause)}.`, {
      hint: 'Name a file that holds the secret and that this user may read, or unset it.',
      cause,
    });
  }
}
