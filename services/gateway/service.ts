/**
 * Gateway: the live page, its stream of updates (SSE), signals by REST and SSE, status and slots for scripts (api.ts lists the routes,
 * GET /openapi.json describes them). It reads the log, so it runs
 * beside the other services or alone, and a page that is slow or gone costs nothing but its own connection. The one thing it writes is a
 * change of the slots that the operator signed (`POST /api/models`).
 */
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from 'fastify';
import { readFileSync } from 'node:fs';
import { type OutgoingHttpHeaders } from 'node:http';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Access, checkListenHost } from '#libs/access/access.ts';
import { type Batch, type EventLog } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { MAX_VALUE_BYTES } from '#libs/log/limits.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { MOST_READ_BACK, recentBegin } from '#libs/readback/readback.ts';
import { carryOut, openRegistries, OrderBook, type Registries } from '#libs/registry/order.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { SignalFeed } from '#libs/signals/feed.ts';
import { toJson } from '#libs/signals/json.ts';
import { type AccuracyRow, LiveAccuracy } from '#services/evaluation/accuracy.ts';
import { SlotAccuracy } from '#services/evaluation/slots.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Direction, Outcome, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type Route, ROUTES } from './api.ts';
import { servePage } from './files.ts';
import { guard } from './guard.ts';
import { followParity } from './parity.ts';
import { modelsView, type ModelsView } from './models.ts';
import { openApi } from './openapi.ts';
import { answerSignals, streamSignals } from './signal-stream.ts';
import { LiveView } from './view.ts';

export interface GatewayOptions {
  /** Default 127.0.0.1; an address that others can reach only as `access` allows. */
  readonly host?: string;
  /** Who gets in. Default: everyone on loopback. */
  readonly access?: Access;
  /** Names by which a browser may ask for the page, beside localhost: a stranger's name for this address is turned away. */
  readonly hostNames?: readonly string[];
  /** Whose slots it shows and changes. Default: the slow one. */
  readonly lanes?: readonly Lane[];
  /** 0 = any free port. Default 8787. */
  readonly port?: number;
  /** When the process began, milliseconds; `first_decision_s` counts from it. */
  readonly startedAt: number;
  /** Rows in the archive; undefined where this process has none. */
  readonly archivedRows?: () => Promise<number>;
  /** Whose orders change the slots; default: nobody's. */
  readonly trust?: Trust;
  /** What start-up is doing, one line; empty once it streams. */
  readonly phase?: () => string;
  /** Called with the page's address once it listens. */
  readonly listening?: (url: string) => void;
}

const { version: VERSION } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

interface Counts {
  ticks: number;
  vectors: number;
  decisions: number;
  signals: number;
  outcomes: number;
}

/** Bytes a page may lag behind before its connection is ended; the browser reconnects by itself. */
const MAX_STREAM_BACKLOG = 4 * 1024 * 1024;
/** A bundle of the largest size in base64, and what stands around it. */
export const MAX_ORDER_BYTES = Math.ceil((MAX_VALUE_BYTES * 4) / 3) + 64 * 1024;
const UPDATE_MS = 1_000;
/** Of each lane, in every update. */
const SIGNALS_SENT = 60;
/** Pages and streams of signals that are open at once: each costs a connection and its share of every update. */
const MAX_STREAMS = 200;
/** Nothing but an order is long. */
export const MAX_BODY_BYTES = 64 * 1024;
/** A request that takes longer to arrive is none, milliseconds. */
const REQUEST_MS = 30_000;

/** Runs until `signal` aborts. Errors: `TRB_PORT_IN_USE`, and those of `checkListenHost`. */
export async function runGateway(context: ServiceContext, options: GatewayOptions, signal: AbortSignal): Promise<void> {
  const host = checkListenHost('The page', options.host ?? '127.0.0.1', options.access ?? {});
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  const registries = await openRegistries(context.log, options.lanes ?? ['slow'], ending, (error) => stop.abort(error));
  const gateway = new Gateway(context, options, registries);
  const server = gateway.server(ending);
  const url = await listen(server, host, options.port ?? 8787);
  options.listening?.(url);
  context.health.set('gateway', { ready: true, detail: url });
  const following = Promise.all([gateway.follow(ending), followParity(context.log, context.metrics, ending)]);
  const updates = setInterval(() => gateway.update(), UPDATE_MS);
  try {
    await following;
    if (stop.signal.aborted) throw stop.signal.reason;
  } finally {
    stop.abort();
    clearInterval(updates);
    gateway.endStreams();
    await server.close();
  }
}

class Gateway {
  readonly #context: ServiceContext;
  readonly #options: GatewayOptions;
  readonly #view = new LiveView();
  readonly #feed: SignalFeed;
  readonly #accuracy = new LiveAccuracy();
  readonly #slots = new SlotAccuracy();
  readonly #registries: Registries;
  readonly #orders = new OrderBook();
  readonly #counts: Counts = { ticks: 0, vectors: 0, decisions: 0, signals: 0, outcomes: 0 };
  readonly #streams = new Set<FastifyReply>();
  #signalStreams = 0;
  #firstDecision: number | undefined;
  #firstSignal: number | undefined;
  #sentUntil = 0;

  constructor(context: ServiceContext, options: GatewayOptions, registries: Registries) {
    this.#context = context;
    this.#options = options;
    this.#registries = registries;
    this.#feed = new SignalFeed(context);
  }

  server(signal: AbortSignal): FastifyInstance {
    const { access = {}, hostNames = [] } = this.#options;
    const server = createServer(access);
    guard(server, { access, hostNames, now: () => this.#context.clock.now() });
    servePage(server);
    server.setErrorHandler(answerError);
    server.setNotFoundHandler((_request, reply) => {
      void reply
        .code(404)
        .send({ code: 'TRB_NOT_FOUND', message: 'There is nothing here.', hint: 'GET /openapi.json lists what there is.' });
    });
    const { metrics, health } = this.#context;
    const serve = ({ method, path: url }: Route, handler: RouteHandlerMethod): void =>
      void server.route({ method, url, handler });
    const recent = (abstentions: boolean): readonly Signal[] =>
      abstentions ? this.#view.decisions().sort((a, b) => a.publishedAt - b.publishedAt) : this.#view.recentSignals();
    serve(ROUTES.status, () => this.status());
    serve(ROUTES.signals, (request, reply) => answerSignals(this.#feed, recent, request, reply));
    serve(ROUTES.signalStream, (request, reply) => this.#streamSignals(request, reply, signal));
    serve(ROUTES.models, () => this.#models());
    server.addContentTypeParser(
      'application/octet-stream',
      { parseAs: 'buffer', bodyLimit: MAX_ORDER_BYTES },
      (_request, body, done) => done(null, body),
    );
    serve(ROUTES.changeModels, (request, reply) => this.#change(request.body, reply));
    serve(ROUTES.page, (_request, reply) => this.#open(reply));
    serve(ROUTES.metrics, async (_request, reply) =>
      reply.header('content-type', metrics.contentType).send(await metrics.metrics()),
    );
    serve(ROUTES.live, (_request, reply) => reply.code(health.live ? 200 : 503).send(health.parts()));
    serve(ROUTES.ready, (_request, reply) => reply.code(health.ready ? 200 : 503).send(health.parts()));
    const description = openApi(VERSION);
    serve(ROUTES.openapi, () => description);
    return server;
  }

  async status(): Promise<Record<string, unknown>> {
    const since = (t: number | undefined): number | null => (t === undefined ? null : (t - this.#options.startedAt) / 1000);
    return {
      source: this.#context.source,
      phase: this.#phase(),
      uptime_s: since(this.#context.clock.now()),
      first_decision_s: since(this.#firstDecision),
      first_signal_s: since(this.#firstSignal),
      ...this.#counts,
      archived_rows: (await this.#options.archivedRows?.()) ?? null,
      gaps: this.#view.gaps,
      accuracy: this.#accuracyRows(),
      feeds: this.#view.feeds(),
      parts: this.#context.health.parts(),
    };
  }

  /** Follows every partition of the topics it shows; resolves when `signal` has aborted and the readers are done. */
  async follow(signal: AbortSignal): Promise<void> {
    const { log } = this.#context;
    const readers = [this.#feed.follow(signal, MOST_READ_BACK, (decision) => this.#onSignal(decision))];
    for (let partition = 0; partition < (await log.partitions('ticks')); partition += 1) {
      readers.push(
        this.#read(log, 'ticks', partition, 'end', signal, (batch) => this.#onTicks(batch)),
        this.#read(log, 'features', partition, 'end', signal, (batch) => (this.#counts.vectors += batch.records.length)),
        this.#read(log, 'outcomes', partition, 'recent', signal, (batch) => this.#onOutcomes(batch)),
        this.#read(log, 'shadow-outcomes', partition, 'recent', signal, (batch) => this.#onShadows(batch)),
      );
    }
    await Promise.all(readers);
  }

  /** Sends every open page what is new since the last call. */
  update(): void {
    if (this.#streams.size === 0) return;
    const message = `data: ${JSON.stringify(this.#page(this.#sentUntil))}\n\n`;
    this.#sentUntil = this.#newest();
    for (const stream of this.#streams) {
      if (stream.raw.writableLength > MAX_STREAM_BACKLOG) stream.raw.destroy();
      else stream.raw.write(message);
    }
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.raw.end();
  }

  async #read(
    log: EventLog,
    topic: Topic,
    partition: number,
    from: 'recent' | 'end',
    signal: AbortSignal,
    apply: (batch: Batch) => void,
  ): Promise<void> {
    const bounds = await log.bounds(topic, partition);
    if (topic === 'ticks' || topic === 'features')
      this.#counts[topic === 'ticks' ? 'ticks' : 'vectors'] += bounds.end - bounds.begin;
    const begin = from === 'end' ? bounds.end : await recentBegin(log, topic, partition);
    for await (const batch of log.read(topic, partition, { from: begin, until: 'follow', signal })) apply(batch);
  }

  #onTicks(batch: Batch): void {
    this.#counts.ticks += batch.records.length;
    for (const record of batch.records) this.#view.applyTick(Tick.decode(record.value), record.partition);
  }

  #onSignal(signal: Signal): void {
    const { startedAt } = this.#options;
    this.#counts.decisions += 1;
    if (signal.publishedAt >= startedAt) this.#firstDecision = Math.min(this.#firstDecision ?? Infinity, signal.publishedAt);
    if (signal.direction !== Direction.DIRECTION_ABSTAIN) {
      this.#counts.signals += 1;
      if (signal.publishedAt >= startedAt) this.#firstSignal = Math.min(this.#firstSignal ?? Infinity, signal.publishedAt);
    }
    this.#view.applySignal(signal);
  }

  #onOutcomes(batch: Batch): void {
    this.#counts.outcomes += batch.records.length;
    for (const record of batch.records) {
      const outcome = Outcome.decode(record.value);
      this.#accuracy.add(outcome);
      this.#slots.add(outcome);
    }
  }

  #onShadows(batch: Batch): void {
    for (const record of batch.records) this.#slots.add(Outcome.decode(record.value));
  }

  #models(): ModelsView {
    return modelsView(this.#registries, this.#slots.snapshot());
  }

  async #change(body: unknown, reply: FastifyReply): Promise<unknown> {
    const { clock, logger } = this.#context;
    const now = clock.now();
    const trusted = this.#options.trust?.() ?? [];
    try {
      const order = this.#orders.open(Buffer.isBuffer(body) ? body : new Uint8Array(), trusted, now);
      const { slot, bundleId, effectiveT } = await carryOut(this.#registries, order, trusted, now);
      logger.info({ slot, bundle: bundleId, effectiveT, actor: order.actor, reason: order.reason }, `models: ${order.action}`);
      return { slot, bundle_id: bundleId, effective_t: effectiveT };
    } catch (thrown) {
      if (!(thrown instanceof TributaryError)) throw thrown;
      return reply.code(409).send({ code: thrown.code, message: thrown.message, hint: thrown.hint });
    }
  }

  async #streamSignals(request: FastifyRequest, reply: FastifyReply, signal: AbortSignal): Promise<void> {
    if (this.#isFull()) {
      await refuseFull(reply);
      return;
    }
    this.#signalStreams++;
    try {
      await streamSignals(this.#feed, request, () => beginEvents(reply), signal);
    } finally {
      this.#signalStreams--;
    }
  }

  #isFull(): boolean {
    return this.#streams.size + this.#signalStreams >= MAX_STREAMS;
  }

  #open(reply: FastifyReply): void {
    if (this.#isFull()) {
      refuseFull(reply);
      return;
    }
    beginEvents(reply);
    reply.raw.write(`retry: 2000\ndata: ${JSON.stringify(this.#page(0))}\n\n`);
    if (this.#streams.size === 0) this.#sentUntil = this.#newest(); // else the others would miss what is new since their last update
    this.#streams.add(reply);
    reply.raw.on('close', () => this.#streams.delete(reply));
  }

  #page(since: number): Record<string, unknown> {
    return {
      whole: since === 0,
      source: this.#context.source,
      phase: this.#phase(),
      now: this.#context.clock.now(),
      uptimeS: (this.#context.clock.now() - this.#options.startedAt) / 1000,
      counts: this.#counts,
      gaps: this.#view.gaps,
      prices: this.#view.prices(since),
      decisions: this.#view.decisions().map(toJson),
      signals: this.#view.recentSignals(SIGNALS_SENT).map(toJson),
      accuracy: this.#accuracyRows(),
      models: this.#models(),
      feeds: this.#view.feeds(),
    };
  }

  /** What start-up is doing; after that, which part is not as it should be. */
  #phase(): string {
    const starting = this.#options.phase?.() ?? '';
    if (starting !== '') return starting;
    const ailing = Object.entries(this.#context.health.parts()).filter(([, { ready, detail }]) => !ready && detail !== '');
    return ailing.map(([part, { detail }]) => `${part}: ${detail}`).join('; ');
  }

  #newest(): number {
    return this.#view.prices().reduce((newest, series) => Math.max(newest, series.points.at(-1)?.t ?? 0), 0);
  }

  #accuracyRows(): readonly AccuracyRow[] {
    return this.#accuracy.snapshot();
  }
}

function refuseFull(reply: FastifyReply): FastifyReply {
  return reply.code(503).send({ code: 'TRB_TOO_MANY_PAGES', message: `${MAX_STREAMS} streams are open: close one.` });
}

/** From here on the reply is a stream of server-sent events. */
function beginEvents(reply: FastifyReply): FastifyReply['raw'] {
  const headers = reply.getHeaders() as OutgoingHttpHeaders;
  reply.hijack();
  reply.raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream', connection: 'keep-alive' });
  return reply.raw;
}

const STATUS_OF: Readonly<Record<string, number>> = { TRB_QUERY: 400, TRB_CURSOR: 400, TRB_CURSOR_EXPIRED: 410 };

function answerError(error: FastifyError | TributaryError, _request: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent) return;
  const { code, message } = error;
  if (error instanceof TributaryError) void reply.code(STATUS_OF[code] ?? 500).send({ code, message, hint: error.hint });
  else void reply.code(error.statusCode ?? 500).send({ code, message: error.statusCode === undefined ? 'It failed.' : message });
}

function createServer({ tls }: Access): FastifyInstance {
  const settings = { logger: false, forceCloseConnections: true, bodyLimit: MAX_BODY_BYTES, requestTimeout: REQUEST_MS };
  if (tls === undefined) return fastify(settings);
  const { cert, key, clientCa } = tls;
  const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return fastify({ ...settings, https: { cert, key: key.reveal(), ...mutual } });
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new TributaryError('TRB_PORT_IN_USE', `Port ${port} is in use.`, {
      hint: 'Give another with --port (0 = any free one).',
      cause,
    });
  }
}
