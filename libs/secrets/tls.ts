/** How a client of ours speaks TLS: whom it believes, and who it says that it is. PEM texts. */
import { z } from 'zod';
import { messageOf } from '../errors/errors.ts';
import { Secret } from './secret.ts';

export const TlsSettings = z
  .strictObject({
    ca: z.string().optional().describe('Whose certificates are believed. Default: those that Node believes'),
    cert: z.string().optional().describe('Our own, for servers that ask for one'),
    key: z.instanceof(Secret).optional().describe('Its key'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'a certificate goes with its key');

/** As OpenSSL and Node say it: such an error has no name of its own once a client's library has passed it on. */
const NO_TLS = /certificate|altnames|SSL routines|wrong version number|EPROTO/i;

export function isTlsFailure(thrown: unknown): boolean {
  return NO_TLS.test(messageOf(thrown));
}
