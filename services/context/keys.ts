/** Keys of sources, as secrets are given: they go into request headers and nowhere else. */
import { TributaryError } from '#libs/errors/errors.ts';
import { type Environment, readSecret } from '#libs/secrets/secret.ts';
import { type KeySettings } from './sources/source.ts';

/** Undefined = there is none. Throws `TRB_SECRET` (a file that cannot be read), `TRB_CONTEXT_KEY` where the key cannot stand in a header. */
export function readKey(settings: KeySettings | undefined, environment: Environment): string | undefined {
  const key = settings === undefined ? undefined : readSecret(settings.env, environment)?.reveal();
  if (settings === undefined || key === undefined || /^[\x20-\x7e]+$/.test(key)) return key;
  throw new TributaryError(
    'TRB_CONTEXT_KEY',
    `What ${settings.env} gives is no key: it has line breaks or characters beyond ASCII.`,
    {
      hint: 'Give the key alone.',
    },
  );
}
