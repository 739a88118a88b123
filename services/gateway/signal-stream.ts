/** Signals over HTTP: pages after a cursor, and server-sent events that go on from one (the event's id, or `after`). */
import { once } from 'node:events';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type SignalFeed } from '#libs/signals/feed.ts';
import { passing } from '#libs/signals/filter.ts';
import { toJson } from '#libs/signals/json.ts';
import { type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { CURSOR_HEADER, signalsQuery, streamQuery } from './api.ts';

/** So often a stream says how far it is, milliseconds: less than what proxies take for dead. */
const PROGRESS_MS = 15_000;

interface Filter {
  readonly symbols: readonly string[];
  readonly venues: readonly string[];
  readonly horizons: readonly string[];
  readonly abstentions: boolean;
}
const wantedBy = ({ symbols, venues, horizons, abstentions }: Filter): ((signal: Signal) => boolean) =>
  passing({ instruments: symbols, venues, horizons, includeAbstentions: abstentions });

/** The newest of `recent`, or what comes after the cursor. */
export async function answerSignals(
  feed: SignalFeed,
  recent: (abstentions: boolean) => readonly Signal[],
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { after, limit, ...filter } = parse(signalsQuery, request.query);
  await feed.ready;
  const { signals, cursor } =
    after === undefined
      ? { signals: recent(filter.abstentions).filter(wantedBy(filter)).slice(-limit), cursor: feed.cursor() }
      : await feed.page(after, wantedBy(filter), limit);
  void reply.header(CURSOR_HEADER, cursor);
  return signals.map(toJson);
}

/** Opens the stream; the reply is taken over only when nothing can be refused any more. */
export async function streamSignals(
  feed: SignalFeed,
  request: FastifyRequest,
  begin: () => FastifyReply['raw'],
  signal: AbortSignal,
): Promise<void> {
  const { after, ...filter } = parse(streamQuery, request.query);
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  const lastId = request.headers['last-event-id'];
  await feed.ready;
  const from = (typeof lastId === 'string' && lastId !== '' ? lastId : after) ?? feed.cursor();
  const stream = await feed.open(from, { wanted: wantedBy(filter), progressMs: PROGRESS_MS }, gone.signal);
  const raw = begin();
  raw.on('close', leave);
  signal.addEventListener('abort', leave);
  raw.write(`retry: 2000\nid: ${from}\n\n`);
  try {
    for await (const { signal: decision, cursor } of stream) {
      const data = decision === undefined ? '' : `data: ${JSON.stringify(toJson(decision))}\n`;
      if (!raw.write(`id: ${cursor}\n${data}\n`)) await once(raw, 'drain', { signal: gone.signal });
    }
  } catch (thrown) {
    if (!gone.signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener('abort', leave);
    raw.end();
  }
}

function parse<T extends z.ZodType>(schema: T, query: unknown): z.output<T> {
  const { success, data, error } = schema.safeParse(query);
  if (success) return data;
  throw new TributaryError('TRB_QUERY', `The query cannot be read: ${z.prettifyError(error).replaceAll('\n', ' ')}.`, {
    hint: 'GET /openapi.json says what there is.',
  });
}
