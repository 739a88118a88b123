/** A recorded file in the venues' place: its first half is history, the rest flows through the log at a chosen speed. */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { insertCandles } from '#libs/store/candles.ts';
import { type Store } from '#libs/store/port.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { exportCandles } from '#services/backfill/service.ts';
import { feedHistory } from '#services/replay/feed.ts';
import { storedTicks } from './live-source.ts';
import { type MarketSource, type SourceOptions } from './source.ts';

const MINUTE = 60_000;

/** Throws `TRB_USAGE` without a file, `TRB_HISTORY_…`. */
export async function openReplay(options: SourceOptions, logger: Logger): Promise<MarketSource> {
  if (options.history === undefined) {
    throw new TributaryError('TRB_USAGE', '--source replay needs a file.', { hint: 'Name one of candles with --history.' });
  }
  const { rows } = await loadCandles(options.history);
  const first = rows[0]?.start ?? 0;
  const last = rows.at(-1)?.start ?? 0;
  const cut = Math.floor((first + last) / 2 / MINUTE) * MINUTE;
  await rm(resolve(options.dataDir, 'replay'), { recursive: true, force: true });
  logger.info({ candles: rows.length, from: new Date(first), cut: new Date(cut), to: new Date(last) }, 'a replay begins anew');
  const known = rows.filter((row) => row.start < cut);
  let release: () => void = () => undefined;
  const loaded = new Promise<void>((resolve) => (release = resolve));
  return {
    kind: 'replay',
    close: () => Promise.resolve(),
    feeds: () => [
      [
        'replay',
        async (context, signal) => {
          await loaded;
          context.health.set('replay', { ready: true });
          const pace = (): Promise<void> => context.clock.sleep(1_000 / options.speed, signal);
          await feedHistory(context.log, candlesToTicks(rows.slice(known.length)), { pace }, signal);
          context.logger.info('the recorded file is at its end');
        },
      ],
    ],
    history: async (_context, store) => {
      await insertAll(store, known);
      release();
      return { ticks: () => storedTicks(store), exportTo: (file) => exportCandles(store, file), deepen: () => Promise.resolve() };
    },
  };
}

async function insertAll(store: Store, rows: readonly CandleRow[]): Promise<void> {
  const groups = new Map<string, CandleRow[]>();
  for (const row of rows) {
    const key = `${row.venue}:${row.instrument}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  for (const candles of groups.values()) {
    const { venue, instrument } = candles[0]!;
    const asked = { from: candles[0]!.start, to: candles.at(-1)!.start + MINUTE };
    await insertCandles(store, venue, instrument, asked, candles, 'file');
  }
}
