/** SignalService alone, over a real log with no model behind it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { SignalFeed } from '#libs/signals/feed.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type SignalServerOptions, startSignalServer } from '../grpc.ts';
import { inferenceMetrics } from '../metrics.ts';

export interface BareServer {
  readonly address: string;
  readonly log: EventLog;
  close(): Promise<void>;
}

const NO_MODEL = { schemaId: '', columns: 0, model: () => Promise.resolve(undefined), windowBefore: () => undefined };

export async function startBareServer(options: Partial<SignalServerOptions> = {}): Promise<BareServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-signal-server-'));
  const log = await openEmbeddedLog({ path: directory, partitions: 2 });
  const stop = new AbortController();
  const feed = new SignalFeed({ log, clock: systemClock, source: 'sim' });
  const following = feed.follow(stop.signal, 1_000);
  const close = async (): Promise<void> => {
    stop.abort();
    await following;
    await log.close();
    await rm(directory, { recursive: true });
  };
  try {
    await feed.ready;
    const metrics = inferenceMetrics(createMetrics());
    const given = { port: 0, clock: systemClock, feed, scoring: NO_MODEL, metrics, ...options };
    const { address, closed } = await startSignalServer(given, stop.signal);
    return { address, log, close: () => close().then(() => closed) };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

export async function appendSignals(log: EventLog, signals: readonly Partial<Signal>[]): Promise<void> {
  await log.append(
    signals.map((each) => {
      const signal = Signal.fromPartial({ asset: 'BTC', instrument: 'BTC-USD', venue: 'kraken', horizon: '1m', ...each });
      return { topic: 'signals', key: signal.asset, value: Signal.encode(signal).finish() };
    }),
  );
}
