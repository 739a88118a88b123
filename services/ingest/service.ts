/**
 * Ingest: one venue's public feed into the topic `ticks` — trades, best quotes, book slices, instrument status, heartbeats, and every hole in
 * them. docs/architecture.md says what is published when; venues/ knows the venues.
 */
import { z } from 'zod';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type Instrument, parseInstrument } from '#libs/market/instrument.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { BookFetcher } from './book-fetcher.ts';
import { openCapture } from './capture.ts';
import { Connection } from './connection.ts';
import { Feed } from './feed.ts';
import { watchListings } from './listing-watch.ts';
import { createIngestMetrics } from './metrics.ts';
import { Publisher } from './publisher.ts';
import { Repairer } from './repairer.ts';
import { readResume } from './resume.ts';
import { type ClockSkew, watchVenueClock } from './venue-clock.ts';
import { isBlocked } from './venues/blocked.ts';
import { findVenue } from './venues/registry.ts';
import { type Listing, type Venue, type VenueRest } from './venues/venue.ts';

const Options = z.object({
  venue: z.string().describe('A venue of the registry, for instance coinbase.'),
  instruments: z
    .array(z.string())
    .min(1)
    .describe('BASE-QUOTE; the rates that convert stablecoins and the euro come by themselves where the venue has them.'),
  endpoints: z
    .object({ ws: z.url({ protocol: /^wss?$/ }), rest: z.url({ protocol: /^https?$/ }) })
    .optional()
    .describe("Where the venue is; default its public addresses, else for instance the simulator's."),
  captureFile: z.string().min(1).optional().describe('File that raw frames are appended to.'),
  unknownInstruments: z
    .enum(['fail', 'skip'])
    .default('fail')
    .describe('What to do with an instrument that the venue does not have, while it has another one that was asked for.'),
  silenceMs: z
    .number()
    .int()
    .positive()
    .default(5_000)
    .describe('Milliseconds without a frame after which the connection is dead.'),
  reconnectMs: z
    .number()
    .int()
    .positive()
    .default(500)
    .describe('First pause before connecting again, milliseconds; it doubles to 30 s.'),
  rotateMs: z
    .number()
    .nonnegative()
    .optional()
    .describe(
      'Age at which a connection is replaced, milliseconds; 0 = never. Default: before the venue ends it, where it does.',
    ),
  busyRecords: z
    .number()
    .int()
    .positive()
    .default(2_000)
    .describe('Records waiting for the log from which on quotes are conflated.'),
  fullRecords: z
    .number()
    .int()
    .positive()
    .default(50_000)
    .describe('Records waiting from which on trades are refused and repaired later.'),
});

/** The part of the life a venue gives a connection at which it is replaced: of a day, it leaves more than an hour to try in. */
const ROTATED_AT = 0.95;

export interface IngestOptions extends Readonly<z.input<typeof Options>> {
  readonly venue: string;
}

/**
 * Runs until `signal` aborts; then closes the socket and hands what waits to the log.
 * Rejects with `TRB_UNKNOWN_VENUE`, `TRB_UNKNOWN_SYMBOL`, `TRB_VENUE_BLOCKED` (it does not serve this address: 403 or 451), or the log's error when it cannot be written any more.
 */
export async function runIngest(context: ServiceContext, options: IngestOptions, signal: AbortSignal): Promise<void> {
  const settings = Options.parse(options);
  const isOver = () => signal.aborted;
  const venue = findVenue(settings.venue);
  const { log, clock } = context;
  const logger = context.logger.child({ venue: venue.id });
  const endpoints = settings.endpoints ?? venue.endpoints;
  const part = `ingest ${venue.id}`;
  context.health.set(part, { ready: false, detail: 'starting' });

  const rest = venue.createRest({ baseUrl: endpoints.rest, clock, logger, timeoutMs: 5_000, maxRetries: 2 });
  const listings = await findListings({ ...context, logger }, venue, rest, settings, signal);
  if (isOver()) return;
  const instruments = [...listings.keys()].map(parseInstrument);
  const stopped = new AbortController(); // the sources: they stop first, so that the publisher can write what they left
  const resume = await readResume(log, venue.id, instruments, signal);

  const metrics = createIngestMetrics(context.metrics, venue.id);
  const publisher = new Publisher({ log, clock, logger, busyAt: settings.busyRecords, fullAt: settings.fullRecords });
  const repairer = new Repairer({ rest, clock, logger, repaired: (trades) => metrics.repairedTrades(trades) });
  const books = new BookFetcher({ rest, clock, logger, signal: stopped.signal });
  const capture =
    settings.captureFile === undefined
      ? undefined
      : openCapture(settings.captureFile, (error) => logger.error(`nothing is captured any more: ${error.message}`));
  const feed: Feed = new Feed({
    venue,
    instruments,
    resume,
    partitions: await log.partitions('ticks'),
    clock,
    logger,
    metrics,
    publisher,
    repairer,
    books,
    capture,
    send: (text) => connection.send(text),
    reconnect: () => connection.reset(),
    rotate: () => connection.rotate(),
  });
  const { silenceMs, reconnectMs: firstPauseMs } = settings;
  const { keepAlive, connectionLifeMs = Infinity } = venue;
  const rotateMs = (settings.rotateMs ?? ROTATED_AT * connectionLifeMs) || Infinity;
  const connection = new Connection({ url: endpoints.ws, clock, logger, silenceMs, firstPauseMs, keepAlive, rotateMs }, feed);
  for (const listing of listings.values())
    if (listing !== undefined) feed.streams.get(listing.instrument)?.onListing(listing, clock.nowMicros());
  const measured = ({ skew, uncertainty }: ClockSkew) => {
    feed.clockSkew = skew;
    metrics.clockSkew(skew, uncertainty);
  };

  const drained = new AbortController();
  const stop = () => stopped.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (isOver()) stop();
  const writing = publisher.run(drained.signal).finally(stop);
  writing.catch(() => undefined); // awaited below
  try {
    const sources = [
      connection.run(stopped.signal),
      repairer.run(stopped.signal),
      keepTime(context, part, feed, stopped.signal),
      watchVenueClock({ venue: venue.id, rest, clock, logger, measured }, stopped.signal),
      ...(venue.hasListings ? [] : [watchListings({ rest, streams: [...feed.streams.values()], clock, logger }, stopped.signal)]),
    ].map((source) => source.finally(stop));
    await Promise.allSettled(sources);
    await Promise.all(sources);
  } finally {
    signal.removeEventListener('abort', stop);
    await books.settled();
    drained.abort();
    await writing;
    await capture?.close();
    context.health.set(part, { ready: false, detail: 'stopped' });
  }
}

/** Flushes ten times a second, sends heartbeats and references every second. */
async function keepTime({ clock, health }: ServiceContext, part: string, feed: Feed, signal: AbortSignal): Promise<void> {
  const isOver = () => signal.aborted;
  let second = Math.floor(clock.now() / 1000);
  while (!isOver()) {
    await clock.sleep(100, signal);
    if (isOver()) return;
    feed.flush();
    const present = Math.floor(clock.now() / 1000);
    if (present <= second) continue;
    second = present;
    feed.everySecond(second);
    const now = clock.nowMicros();
    const well = [...feed.streams.values()].filter((stream) => stream.isHealthy(now)).length;
    const detail = feed.isConnected ? `${well} of ${feed.streams.size} instruments healthy` : 'not connected';
    health.set(part, { ready: well > 0, detail });
  }
}

/**
 * What the venue says of each instrument, the rates that it has besides included. A venue whose REST does not answer is believed to have
 * what was asked for: its socket may work, and tells the same a little later.
 */
async function findListings(
  { logger }: Pick<ServiceContext, 'logger'>,
  venue: Venue,
  rest: VenueRest,
  { instruments, unknownInstruments }: z.output<typeof Options>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Listing | undefined>> {
  const asked: Instrument[] = [...new Set(instruments)].map(parseInstrument);
  const rates = venue.rates.filter((rate) => !instruments.includes(rate));
  const ask = async (name: string) => [name, await rest.listing(name, signal)] as const;
  let answers: (readonly [string, Listing | undefined])[];
  try {
    answers = await Promise.all([...asked.map(({ name }) => name), ...rates].map(ask));
  } catch (error) {
    if (signal.aborted) return new Map();
    if (isBlocked(error)) throw error;
    logger.warn(`${venue.id} could not be asked what it lists: ${describeError(error)}`);
    return new Map(asked.map(({ name }) => [name, undefined]));
  }
  const unknown = answers.slice(0, asked.length).filter(([, listing]) => listing === undefined);
  if (unknown.length === asked.length || (unknown.length > 0 && unknownInstruments === 'fail')) {
    throw new TributaryError('TRB_UNKNOWN_SYMBOL', `${venue.id} does not list ${unknown.map(([name]) => name).join(', ')}.`, {
      hint: 'Symbols are BASE-QUOTE, for instance BTC-USD; leave out what the venue does not trade.',
    });
  }
  if (unknown.length > 0) logger.warn(`${venue.id} does not list ${unknown.map(([name]) => name).join(', ')}: left out`);
  return new Map(answers.filter(([, listing]) => listing !== undefined));
}
