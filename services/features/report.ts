/** What is missing and what has drifted in a history file, by instrument and feature: two periods compared. */
import { detectHistory } from '#libs/history/detect.ts';
import { COLUMNS } from '#libs/features/catalogue.ts';
import { stabilityIndex } from '#libs/features/drift.ts';
import { FORMULAS } from '#libs/features/formulas.ts';
import { collectVectors, type VectorMatrix } from '#libs/features/matrix.ts';
import { QUALITY } from '#libs/features/quality.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { loadTicks } from '#libs/history/ticks.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';

export interface HistoryReport {
  /** ISO; the second period begins at `split`. */
  readonly from: string;
  readonly split: string;
  readonly to: string;
  readonly instruments: readonly InstrumentReport[];
}

export interface InstrumentReport {
  /** `venue:BASE-QUOTE`. */
  readonly instrument: string;
  /** Vectors of the first and of the second period. */
  readonly vectors: readonly [number, number];
  /** Share of vectors with a quality bit, of both; bits that never occur are left out. */
  readonly quality: Readonly<Record<string, readonly [number, number]>>;
  readonly features: readonly FeatureReport[];
}

export interface FeatureReport {
  readonly name: string;
  /** Share of values that are missing, in both periods, over the feature's columns. */
  readonly missing: readonly [number, number];
  /** Population stability index of the column that has drifted most; null = too few values. */
  readonly psi: number | null;
  readonly drifted: string | null;
}

/** Candles or ticks of a file, in availability order. Throws `TRB_HISTORY_…`. */
export async function historyTicks(path: string): Promise<Iterable<Tick>> {
  const kind = await detectHistory(path);
  return kind === 'candles' ? candlesToTicks((await loadCandles(path)).rows) : tickFileToTicks(await loadTicks(path));
}

/** `split` in milliseconds; default: the middle. Throws `TRB_HISTORY_EMPTY`. */
export async function reportHistory(ticks: Iterable<Tick>, split?: number): Promise<HistoryReport> {
  const matrices = [...(await collectVectors(ticks)).values()];
  const from = Math.min(...matrices.map(({ t }) => t[0]!));
  const to = Math.max(...matrices.map(({ t }) => t.at(-1)!));
  if (matrices.length === 0)
    throw new TributaryError('TRB_HISTORY_EMPTY', 'The history makes no vector.', {
      hint: 'It needs trades or candles of an instrument quoted in USD, over more than a minute.',
    });
  const middle = split ?? Math.floor((from + to) / 120_000) * 60_000;
  return {
    from: iso(from),
    split: iso(middle),
    to: iso(to),
    instruments: matrices
      .map((matrix) => reportInstrument(matrix, middle))
      .sort((a, b) => (a.instrument < b.instrument ? -1 : 1)),
  };
}

function reportInstrument(matrix: VectorMatrix, split: number): InstrumentReport {
  const { t, quality } = matrix;
  const cut = t.findIndex((time) => time >= split);
  const rows = cut < 0 ? t.length : cut;
  const vectors = [rows, t.length - rows] as const;
  const share = (bit: number, part: Uint32Array): number =>
    rounded(part.reduce((sum, bits) => sum + Number((bits & bit) !== 0), 0) / part.length);
  const bits = Object.entries(QUALITY).map(
    ([name, bit]) => [name.toLowerCase(), [share(bit, quality.subarray(0, rows)), share(bit, quality.subarray(rows))]] as const,
  );
  const columns = COLUMNS.map((_, column) => columnOf(matrix, column, rows));
  return {
    instrument: `${matrix.venue}:${matrix.instrument}`,
    vectors,
    quality: Object.fromEntries(bits.filter(([, [before, now]]) => before > 0 || now > 0)),
    features: FORMULAS.map(({ name, columns: own }) =>
      reportFeature(
        name,
        own.map((column) => COLUMNS.indexOf(column)),
        columns,
        vectors,
      ),
    ),
  };
}

interface ColumnReport {
  readonly missing: readonly [number, number];
  readonly psi: number;
}

function columnOf({ values, columns, t }: VectorMatrix, column: number, rows: number): ColumnReport {
  const all = Float64Array.from(t, (_, row) => values[row * columns.length + column]!);
  const [before, now] = [all.subarray(0, rows), all.subarray(rows)];
  return { missing: [countMissing(before), countMissing(now)], psi: stabilityIndex(before, now) };
}

function countMissing(values: Float64Array): number {
  let count = 0;
  for (const value of values) if (Number.isNaN(value)) count++;
  return count;
}

function reportFeature(
  name: string,
  places: readonly number[],
  columns: readonly ColumnReport[],
  [first, second]: readonly [number, number],
): FeatureReport {
  let most = -1;
  for (const place of places) if (columns[place]!.psi > (most < 0 ? -Infinity : columns[most]!.psi)) most = place;
  const share = (period: 0 | 1, vectors: number): number =>
    rounded(places.reduce((sum, place) => sum + columns[place]!.missing[period], 0) / (vectors * places.length));
  return {
    name,
    missing: [share(0, first), share(1, second)],
    psi: most < 0 ? null : rounded(columns[most]!.psi),
    drifted: most < 0 ? null : COLUMNS[most]!.name,
  };
}

/** What moved most first; as text. */
export function reportText({ from, split, to, instruments }: HistoryReport): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(8);
  return instruments
    .flatMap(({ instrument, vectors, quality, features }) => [
      `${instrument}  ${vectors[0]} vectors ${from} to ${split}, ${vectors[1]} to ${to}`,
      ...Object.entries(quality).map(
        ([name, [before, now]]) => `  quality ${name.padEnd(20)} ${percent(before)} ${percent(now)}`,
      ),
      `  ${'feature'.padEnd(34)}  missing before, after       PSI  of`,
      ...[...features]
        .sort((a, b) => (b.psi ?? -1) - (a.psi ?? -1) || b.missing[1] - a.missing[1])
        .map(
          ({ name, missing: [before, now], psi, drifted }) =>
            `  ${name.padEnd(34)} ${percent(before)} ${percent(now)} ${(psi === null ? '-' : psi.toFixed(3)).padStart(11)}  ${drifted ?? ''}`,
        ),
      '',
    ])
    .concat(
      'PSI: population stability index over deciles of the first period; below 0.1 steady, above 0.25 moved; - = too few values',
      '',
    )
    .join('\n');
}

function rounded(share: number): number {
  return Number(share.toFixed(4));
}

function iso(t: number): string {
  return new Date(t).toISOString();
}
