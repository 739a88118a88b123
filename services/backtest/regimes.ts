/** The market's states that accuracy is shown by: the volatility of the last hour in terciles of what came before the test, and sessions. */
import { type VectorTable } from '#libs/models/vector-table.ts';

export interface Regime {
  /** `volatility` or `session`. */
  readonly kind: string;
  readonly name: string;
  readonly holds: (t: number) => boolean;
}

const VOLATILITY = 'realized_vol_1h';
const SESSIONS = ['asia', 'london', 'new_york'] as const;

/** Sessions overlap. A regime whose feature the table lacks is left out. `until`: start of the test, milliseconds. */
export function regimesOf(table: VectorTable, until: number): Regime[] {
  const volatility = byTime(table, VOLATILITY);
  const sessions = SESSIONS.flatMap((name) => {
    const column = byTime(table, `session_${name}`);
    return column === undefined ? [] : [{ kind: 'session', name, holds: (t: number) => column.get(t) === 1 }];
  });
  return volatility === undefined ? sessions : [...terciles(volatility, until), ...sessions];
}

function terciles(volatility: ReadonlyMap<number, number>, until: number): Regime[] {
  const earlier = Float64Array.from(
    [...volatility].filter(([t, value]) => t < until && Number.isFinite(value)).map(([, value]) => value),
  ).sort();
  if (earlier.length < 3) return [];
  const low = earlier[Math.floor(earlier.length / 3)]!;
  const high = earlier[Math.floor((2 * earlier.length) / 3)]!;
  const at = (t: number): number => volatility.get(t) ?? Number.NaN;
  return [
    { kind: 'volatility', name: 'low', holds: (t) => at(t) < low },
    { kind: 'volatility', name: 'middle', holds: (t) => at(t) >= low && at(t) < high },
    { kind: 'volatility', name: 'high', holds: (t) => at(t) >= high },
  ];
}

function byTime(table: VectorTable, feature: string): ReadonlyMap<number, number> | undefined {
  const place = table.columns.findIndex((column) => column.startsWith(`${feature}@`));
  if (place < 0) return undefined;
  const width = table.columns.length;
  return new Map(Array.from(table.t, (t, row) => [t, table.values[row * width + place]!]));
}
