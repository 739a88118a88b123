/**
 * An exchange simulator: Coinbase Exchange and Kraken, their WebSocket and REST protocols on loopback, from one seeded market, with
 * faults on demand and a ledger of every trade.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { systemClock, type WallClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { CoinbaseFeed } from './coinbase-feed.ts';
import { CoinbaseRest } from './coinbase-rest.ts';
import { answerControl } from './control.ts';
import { Faults, FAULT_KINDS, faultOptionsSchema, type FaultKind, type FaultOptions } from './faults.ts';
import { openFloor, STEP_MS, type Floor } from './floor.ts';
import { KrakenFeed } from './kraken-feed.ts';
import { KrakenRest } from './kraken-rest.ts';
import { type Ledger } from './ledger.ts';
import { listings, type VenueName } from './listing.ts';
import { simulatorOptionsSchema, type SimulatorOptions } from './options.ts';
import { json, type RestAnswer } from './rest.ts';
import { TokenBucket } from './token-bucket.ts';

export interface Simulator {
  readonly urls: {
    readonly coinbaseWs: string;
    readonly coinbaseRest: string;
    readonly krakenWs: string;
    readonly krakenRest: string;
    /** POST /fault, GET /ledger. */
    readonly control: string;
  };
  readonly ledger: Ledger;
  /** Makes a venue misbehave. Throws `TRB_SIMULATOR_FAULT` where the kind or its options make no sense there. */
  fault(venue: VenueName, kind: FaultKind, options?: FaultOptions): void;
  stop(): Promise<void>;
}

/** Throws `TRB_OPTIONS` for wrong options, `TRB_PORT_IN_USE` where the port is taken. `clock` defaults to the system's. */
export async function startSimulator(given: SimulatorOptions & { readonly clock?: WallClock } = {}): Promise<Simulator> {
  const { clock = systemClock, ...rest } = given;
  const parsed = simulatorOptionsSchema.safeParse(rest);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TributaryError('TRB_OPTIONS', `Simulator option ${issue!.path.join('.')}: ${issue!.message}.`, {
      hint: 'See `tributary simulator --help`.',
    });
  }
  const options = parsed.data;
  const floor = await openFloor(
    { ...options, listings: listings(options.symbols, options.tradeRate), messagesPerSecond: options.messagesPerSecond },
    clock.now(),
  );
  const running = new RunningSimulator(floor, options, clock);
  await running.listen(options.port);
  return running;
}

type Options = ReturnType<typeof simulatorOptionsSchema.parse>;

interface Venue {
  readonly faults: Faults;
  readonly feed: CoinbaseFeed | KrakenFeed;
  readonly rest: CoinbaseRest | KrakenRest;
  readonly wsPath: string;
  readonly restPath: string;
  readonly connections: TokenBucket | undefined;
}

class RunningSimulator implements Simulator {
  readonly ledger: Ledger;
  readonly #floor: Floor;
  readonly #clock: WallClock;
  readonly #venues: Readonly<Record<VenueName, Venue>>;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });
  readonly #stopping = new AbortController();
  #stepping: Promise<void> = Promise.resolve();
  #base = '';

  constructor(floor: Floor, options: Options, clock: WallClock) {
    this.#floor = floor;
    this.#clock = clock;
    this.ledger = floor.ledger;
    this.#venues = { coinbase: coinbaseVenue(floor, options, clock), kraken: krakenVenue(floor, options, clock) };
    for (const { feed } of Object.values(this.#venues)) floor.listen(feed);
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  get urls(): Simulator['urls'] {
    const ws = `ws://${this.#base}`;
    const http = `http://${this.#base}`;
    const { coinbase, kraken } = this.#venues;
    return {
      coinbaseWs: ws + coinbase.wsPath,
      coinbaseRest: http + coinbase.restPath,
      krakenWs: ws + kraken.wsPath,
      krakenRest: http + kraken.restPath,
      control: `${http}/control`,
    };
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      throw new TributaryError('TRB_PORT_IN_USE', `The simulator cannot listen on 127.0.0.1:${port}.`, {
        hint: 'Another program uses the port: choose another with --port, or 0 for any free one.',
        cause,
      });
    }
    this.#base = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    this.#stepping = this.#run();
  }

  fault(venue: VenueName, kind: FaultKind, options: FaultOptions = {}): void {
    const parsed = faultOptionsSchema.safeParse(options);
    if (!parsed.success) throw wrongFault(`${kind}: ${parsed.error.issues[0]!.message}`);
    const { faults, feed } = this.#venues[venue];
    switch (kind) {
      case 'cut':
        feed.audience.cut();
        break;
      case 'malformed':
        for (let i = 0; i < parsed.data.count; i++) feed.audience.broadcast('{"type":"match","channel":"trade","data":[{"pri');
        break;
      case 'gap':
        faults.arm('gapTrades', parsed.data);
        faults.arm('gapBook', parsed.data);
        break;
      case 'badChecksum':
        if (venue === 'coinbase') throw wrongFault('Coinbase has no checksum');
        faults.arm(kind, parsed.data);
        break;
      case 'absurd':
      case 'tenfold':
      case 'crossed':
        faults.arm(kind, parsed.data);
        break;
      default:
        faults.begin(kind, parsed.data);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#stepping;
    for (const { feed } of Object.values(this.#venues)) feed.audience.cut();
    this.#sockets.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#floor.step(this.#clock.nowMicros());
      this.#halt();
      for (const { feed } of Object.values(this.#venues)) feed.tick();
      await this.#clock.sleep(STEP_MS - (this.#clock.now() % STEP_MS), signal);
    }
  }

  #halt(): void {
    for (const pit of this.#floor.pits) {
      const { faults, feed } = this.#venues[pit.listing.venue];
      const halted = faults.halts(pit.listing.instrument.name);
      if (halted === pit.halted) continue;
      pit.halted = halted;
      feed.onHalt(pit);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname } = new URL(request.url ?? '/', 'http://local');
    const venue = Object.values(this.#venues).find(({ wsPath }) => wsPath === pathname);
    // A client that hangs up halfway must not take the simulator down.
    socket.on('error', () => socket.destroy());
    if (venue === undefined) refuse(socket, '404 Not Found');
    else if (venue.faults.active('refuse') !== undefined) refuse(socket, '503 Service Unavailable');
    else if (venue.connections?.take() === false) refuse(socket, '429 Too Many Requests');
    else this.#sockets.handleUpgrade(request, socket, head, (client) => venue.feed.accept(client));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#route(request);
    response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', ...answer.headers });
    response.end(answer.body);
  }

  async #route(request: IncomingMessage): Promise<RestAnswer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local');
    if (pathname.startsWith('/control/')) return answerControl(this, request, pathname.slice('/control'.length), searchParams);
    const venue = Object.values(this.#venues).find(({ restPath }) => pathname.startsWith(`${restPath}/`));
    if (venue === undefined) return json({ message: 'NotFound' }, 404);
    const path = pathname.slice(venue.restPath.length);
    return venue.rest.answer({ path, query: searchParams, userAgent: request.headers['user-agent'] });
  }
}

function coinbaseVenue(floor: Floor, options: Options, clock: WallClock): Venue {
  const faults = new Faults(clock);
  const { subscribeWithinMs } = options;
  const pits = floor.pits.filter(({ listing }) => listing.venue === 'coinbase');
  const [now, nowMicros] = [() => clock.now(), () => clock.nowMicros()];
  return {
    faults,
    feed: new CoinbaseFeed({ pits, faults, now, nowMicros, limits: options, subscribeWithinMs }),
    rest: new CoinbaseRest(floor, faults, clock, options.rateLimits),
    wsPath: '/coinbase/ws',
    restPath: '/coinbase/rest',
    connections: options.rateLimits ? new TokenBucket(8, 20, now) : undefined,
  };
}

function krakenVenue(floor: Floor, options: Options, clock: WallClock): Venue {
  const faults = new Faults(clock);
  const pits = floor.pits.filter(({ listing }) => listing.venue === 'kraken');
  const [now, nowMicros] = [() => clock.now(), () => clock.nowMicros()];
  return {
    faults,
    feed: new KrakenFeed({ pits, floor, faults, now, nowMicros, limits: options }),
    rest: new KrakenRest(floor, faults, clock, options.rateLimits),
    wsPath: '/kraken/v2',
    restPath: '/kraken/0/public',
    // About 150 connections in ten minutes.
    connections: options.rateLimits ? new TokenBucket(0.25, 150, now) : undefined,
  };
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function wrongFault(message: string): TributaryError {
  return new TributaryError('TRB_SIMULATOR_FAULT', `${message}.`, { hint: `Kinds: ${FAULT_KINDS.join(', ')}.` });
}
