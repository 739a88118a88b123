/** Keys of sources: from the environment, or from a mounted file (`NAME_FILE`). They go into request headers and nowhere else. */
import { readFileSync } from 'node:fs';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type KeySettings } from './sources/source.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined = there is none. Throws `TRB_CONTEXT_KEY` where a file is named that cannot be read, or the key cannot stand in a header. */
export function readKey(settings: KeySettings | undefined, environment: Environment): string | undefined {
  if (settings === undefined) return undefined;
  const file = environment[`${settings.env}_FILE`];
  const key = (file === undefined || file === '' ? environment[settings.env] : contentOf(file, settings.env))?.trim();
  if (key === undefined || key === '') return undefined;
  if (/^[\x20-\x7e]+$/.test(key)) return key;
  throw new TributaryError(
    'TRB_CONTEXT_KEY',
    `What ${settings.env} gives is no key: it has line breaks or characters beyond ASCII.`,
    {
      hint: 'Give the key alone.',
    },
  );
}

function contentOf(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TributaryError('TRB_CONTEXT_KEY', `${name}_FILE cannot be read: ${messageOf(cause)}.`, {
      hint: 'Name a file that holds the key, or unset it.',
      cause,
    });
  }
}
