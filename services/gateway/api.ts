/** The gateway's routes and what they answer: the one description that the server takes its paths from and OpenAPI is generated from. */
import { z } from 'zod';
import { isHorizon, LANES } from '#libs/market/horizon.ts';
import { signalJson } from '#libs/signals/json.ts';
import { type AccuracyRow, type BucketRow } from '#services/evaluation/accuracy.ts';
import { type SlotRow } from '#services/evaluation/slots.ts';
import { type HeldRow } from './models.ts';

const count = z.int().min(0);
const lane = z.enum(LANES);
const share = z.number().min(0).max(1).nullable();
const milliseconds = z.int().describe('milliseconds since the Unix epoch');
const seconds = z.number().nullable().describe('seconds since the process began; null = not yet');
const interval = { accuracy: share, low: share.describe('95 % Wilson interval'), high: share };

export const errorJson = z
  .strictObject({ code: z.string().describe('stable, TRB_…'), message: z.string(), hint: z.string().optional() })
  .meta({ id: 'Error', description: 'What is wrong, and what to do about it.' });

const bucket = z.strictObject({ from: z.number(), to: z.number(), moves: count, ...interval }) satisfies z.ZodType<BucketRow>;

const accuracy = z
  .strictObject({
    ...{ symbol: z.string(), venue: z.string(), horizon: z.string() },
    ...{ decisions: count, moves: count, voids: count, emitted: count, emittedMoves: count },
    ...interval,
    ...{ accuracyOnMoves: share, accuracyAll: share, majority: share, coverage: share, flatShare: share },
    buckets: z.array(bucket),
  })
  .meta({
    id: 'Accuracy',
    description: 'What came of the decisions of one head; null = nothing to divide by yet.',
  }) satisfies z.ZodType<AccuracyRow>;

const feed = z
  .strictObject({
    ...{ venue: z.string(), instrument: z.string(), healthy: z.boolean() },
    silentMs: z.number().optional(),
    skewMs: z.number(),
    ...{ gaps: count, checksumFailures: count, reconnects: count, conflatedQuotes: count },
    latencyMs: z.number().optional(),
  })
  .meta({ id: 'Feed', description: 'How one feed does.' });

const parts = z
  .record(z.string(), z.strictObject({ live: z.boolean(), ready: z.boolean(), detail: z.string() }))
  .meta({ id: 'Parts', description: 'How each part of the process is.' });

const status = z
  .strictObject({
    source: z.enum(['live', 'sim', 'replay']),
    phase: z.string().describe('what start-up is doing, or which part ails; empty = all is well'),
    ...{ uptime_s: seconds, first_decision_s: seconds, first_signal_s: seconds },
    ...{ ticks: count, vectors: count, decisions: count, signals: count, outcomes: count },
    archived_rows: count.nullable(),
    gaps: count,
    ...{ accuracy: z.array(accuracy), feeds: z.array(feed), parts },
  })
  .meta({ id: 'Status' });

const held = z.strictObject({
  lane,
  ...{ slot: z.string(), bundle_id: z.string(), effective_t: milliseconds, time: milliseconds },
  ...{ actor: z.string(), reason: z.string(), pinned: z.boolean() },
  share: z.number().describe('of the decisions, 0..1: what a challenger serves that is being rolled out; 0 = none'),
}) satisfies z.ZodType<HeldRow>;

const slotAccuracy = z.strictObject({
  lane,
  ...{ slot: z.string(), bundleId: z.string(), venue: z.string(), symbol: z.string(), horizon: z.string(), moves: count },
  ...interval,
  ...{ emittedMoves: count, emittedAccuracy: share, pairedMoves: count, pairedAccuracy: share, publishedAccuracy: share },
}) satisfies z.ZodType<SlotRow>;

const models = z.strictObject({ slots: z.array(held), accuracy: z.array(slotAccuracy) }).meta({ id: 'Models' });

/** `a,b` -> ['a', 'b'] */
const names = z
  .string()
  .max(4_000)
  .default('')
  .transform((text) => text.split(',').filter((name) => name !== ''));

const filter = {
  symbols: names.describe('BASE-QUOTE,…; default all'),
  venues: names.describe('default all'),
  horizons: names.refine((list) => list.every(isHorizon), 'horizons are 1m, 5m and 15m').describe('1m,5m,15m; default all'),
  abstentions: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('abstentions too; without a cursor: the newest decision of each head; default false'),
};
const after = z.string().max(2_000).optional().describe('cursor of an earlier answer: what comes after it');

export const signalsQuery = z.object({ ...filter, after, limit: z.coerce.number().int().min(1).max(1_000).default(200) });
export const streamQuery = z.object({ ...filter, after });

export interface Answer {
  readonly description: string;
  /** Default application/json. */
  readonly type?: string;
  readonly schema?: z.ZodType;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  /** Header fields that a caller may send. */
  readonly accepts?: Readonly<Record<string, string>>;
  /** Media type of the body. */
  readonly body?: string;
  readonly answers: Readonly<Record<number, Answer>>;
}

const REFUSED: Answer = { description: 'The request is refused.', schema: errorJson };
const EXPIRED: Answer = {
  description: 'The log does not reach back to the cursor any more: begin without one.',
  schema: errorJson,
};
/** Header field that says where an answer ends. */
export const CURSOR_HEADER = 'tributary-cursor';

export const ROUTES = {
  status: {
    ...{ method: 'GET', path: '/api/status', summary: 'How the instance does: counts, accuracy, feeds, parts.' },
    answers: { 200: { description: 'The state now.', schema: status } },
  },
  signals: {
    ...{ method: 'GET', path: '/api/signals', summary: 'The newest signals, or those after a cursor; oldest first.' },
    query: signalsQuery,
    answers: {
      200: {
        description: 'At most `limit` decisions; fewer = there are no more now.',
        schema: z.array(signalJson),
        headers: { [CURSOR_HEADER]: 'where the answer ends: give it as `after`' },
      },
      400: REFUSED,
      410: EXPIRED,
    },
  },
  signalStream: {
    ...{ method: 'GET', path: '/api/signals/stream', summary: 'Signals as they are published, as server-sent events.' },
    query: streamQuery,
    accepts: { 'last-event-id': 'as `after`, which it goes before; EventSource sends it by itself when it reconnects' },
    answers: {
      200: {
        description: 'Each event has a Signal as data and a cursor as id; an id without data says how far the stream is.',
        type: 'text/event-stream',
        schema: signalJson,
      },
      400: REFUSED,
      410: EXPIRED,
      503: { description: 'Too many streams are open.', schema: errorJson },
    },
  },
  models: {
    ...{ method: 'GET', path: '/api/models', summary: 'What the slots hold, and how they compare.' },
    answers: { 200: { description: 'The slots now.', schema: models } },
  },
  changeModels: {
    ...{
      method: 'POST',
      path: '/api/models',
      summary: 'Changes a slot: an order that the operator signed (`tributary models`).',
    },
    body: 'application/octet-stream',
    answers: {
      200: {
        description: 'The order is carried out.',
        schema: z.strictObject({ slot: z.string(), bundle_id: z.string(), effective_t: milliseconds }),
      },
      409: { description: 'The order is not carried out.', schema: errorJson },
    },
  },
  page: {
    ...{
      method: 'GET',
      path: '/api/stream',
      summary: 'What the page shows, once a second, as server-sent events. Its form may change.',
    },
    answers: {
      200: { description: 'Updates of the page.', type: 'text/event-stream' },
      503: { description: 'Too many pages are open.', schema: errorJson },
    },
  },
  metrics: {
    ...{ method: 'GET', path: '/metrics', summary: 'Metrics for Prometheus.' },
    answers: { 200: { description: 'The metrics now.', type: 'text/plain' } },
  },
  live: {
    ...{ method: 'GET', path: '/healthz', summary: 'Whether the process is alive.' },
    answers: { 200: { description: 'It is.', schema: parts }, 503: { description: 'It is not.', schema: parts } },
  },
  ready: {
    ...{ method: 'GET', path: '/readyz', summary: 'Whether the process does its work.' },
    answers: { 200: { description: 'It does.', schema: parts }, 503: { description: 'It does not.', schema: parts } },
  },
  openapi: {
    ...{ method: 'GET', path: '/openapi.json', summary: 'This description.' },
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
  },
} as const satisfies Readonly<Record<string, Route>>;
