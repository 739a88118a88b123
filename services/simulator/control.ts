/** The simulator's own loopback API, for another process: `POST /control/fault`, `GET /control/ledger`. */
import { type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { FAULT_KINDS, faultOptionsSchema } from './faults.ts';
import { json, type RestAnswer } from './rest.ts';
import { type Simulator } from './simulator.ts';

const venueSchema = z.enum(['coinbase', 'kraken']);
const faultSchema = faultOptionsSchema.extend({ venue: venueSchema, kind: z.enum(FAULT_KINDS) });
const ledgerSchema = z.object({
  venue: venueSchema.optional(),
  instrument: z.string().optional(),
  fromId: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(1).default(1000),
});

export async function answerControl(
  simulator: Pick<Simulator, 'fault' | 'ledger'>,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
): Promise<RestAnswer> {
  try {
    if (request.method === 'GET' && path === '/ledger') {
      return json(simulator.ledger.trades(ledgerSchema.parse(Object.fromEntries(query))));
    }
    if (request.method === 'POST' && path === '/fault') {
      const { venue, kind, ...options } = faultSchema.parse(JSON.parse(await bodyOf(request)));
      simulator.fault(venue, kind, options);
      return json({ ok: true });
    }
    return json({ error: 'Unknown: use POST /control/fault or GET /control/ledger.' }, 404);
  } catch (thrown) {
    return json({ error: thrown instanceof z.ZodError ? z.prettifyError(thrown) : describeError(thrown) }, 400);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 65_536) throw new TributaryError('TRB_SIMULATOR_FAULT', 'The request is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
