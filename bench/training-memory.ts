/**
 * `node --import tsx bench/training-memory.ts [--symbols 20] [--days 2,4,8]`: the most memory that training from a store takes, on random walks,
 * each length in a process of its own. It should not grow with the days while history is folded, nor with the symbols at all.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { featureSchema } from '#libs/features/catalogue.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { createRandom } from '#libs/models/random.ts';
import { insertCandles } from '#libs/store/candles.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { candlesOfStore } from '#services/training/candle-source.ts';
import { createFitPool } from '#services/training/fit-pool.ts';
import { foldToFiles } from '#services/training/history.ts';
import { QUICK_RECIPE } from '#services/training/recipes.ts';
import { DEFAULT_THRESHOLD, trainTable } from '#services/training/train.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const START = Date.UTC(2024, 0, 1);
const VENUES = ['coinbase', 'kraken'];

const { values } = parseArgs({
  options: {
    symbols: { type: 'string', default: '20' },
    days: { type: 'string', default: '2,4,8' },
    fill: { type: 'string' },
    train: { type: 'string' },
  },
});
const symbols = Number(values.symbols);
if (values.fill !== undefined) await fill(values.fill, Number(values.days));
else if (values.train !== undefined) await train(values.train);
else for (const days of values.days.split(',')) measure(days);

function measure(days: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-training-memory-'));
  try {
    for (const step of ['--fill', '--train']) {
      const args = ['--import', 'tsx', fileURLToPath(import.meta.url), '--symbols', values.symbols, '--days', days];
      execFileSync(process.execPath, [...args, step, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fill(folder: string, days: number): Promise<void> {
  const store = await openStore({ path: join(folder, 'store') });
  await migrate(store);
  for (let s = 0; s < symbols; s++) {
    const instrument = s === 0 ? 'BTC-USD' : s === 1 ? 'ETH-USD' : `COIN${s}-USD`;
    for (const [v, venue] of VENUES.entries()) {
      const random = createRandom(10 * s + v);
      let last = 100 + s;
      for (let day = START; day < START + days * DAY; day += DAY) {
        const rows: CandleRow[] = [];
        for (let start = day; start < day + DAY; start += MINUTE) {
          const open = last;
          last *= 1 + 1e-3 * (random.next() - 0.5);
          const [high, low] = [Math.max(open, last) * 1.0001, Math.min(open, last) * 0.9999];
          rows.push({ venue, instrument, start, open, high, low, close: last, volume: random.next(), trades: 5 });
        }
        await insertCandles(store, venue, instrument, { from: day, to: day + DAY }, rows, 'file');
      }
    }
  }
  await store.close();
}

async function train(folder: string): Promise<void> {
  const store = await openStore({ path: join(folder, 'store') });
  const vectors = join(folder, 'vectors');
  mkdirSync(vectors);
  const source = await candlesOfStore(store);
  const opened = peak();
  const started = performance.now();
  const stored = await foldToFiles(source, vectors, {});
  const seconds = (performance.now() - started) / 1000;
  await store.close();
  const folded = peak();
  const span = { from: stored[0]!.from, to: stored[0]!.to };
  const columns: number[] = [];
  for (const each of stored) {
    const { table, series } = each.load();
    columns.push(table.columns.length);
    const pool = createFitPool([table], 0);
    await trainTable(0, table, span, {
      ...{
        pool,
        series: [series],
        horizons: ['1m'],
        target: 'entry',
        recipe: QUICK_RECIPE,
        threshold: DEFAULT_THRESHOLD,
        seed: 1,
      },
      onHead: () => undefined,
    });
    await pool.close();
  }
  const rows = stored.reduce((sum, each) => sum + each.rows, 0);
  const all = (rows * featureSchema().columns.length * 4) / 2 ** 20;
  const largest = (Math.max(...stored.map((each, k) => each.rows * columns[k]!)) * 4) / 2 ** 20;
  process.stdout.write(
    `${symbols} symbols, ${VENUES.length} venues, ${values.days} days: ${rows} vectors folded in ${seconds.toFixed(0)} s; most memory: store open ${opened}, ` +
      `folded ${folded}, trained ${peak()} MiB (one table of ${Math.max(...columns)} columns ${largest.toFixed(0)}, all vectors ${all.toFixed(0)})\n`,
  );
}

/** Of the process so far, MiB. */
function peak(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
