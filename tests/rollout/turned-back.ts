/** A market in which what was learned is wrong: where a move used to go on into the next minute, it turns back. */
import { type CandleRow } from '#libs/history/rows.ts';

const MINUTE = 60_000;
const { exp, log, max, min } = Math;

/**
 * Every second minute of `leader` is mirrored, so each of its moves that went on turns back; the other venue keeps its distance from it, a minute's
 * first and last price apart. Prices go on where `rows` begin.
 */
export function turnedBack(rows: readonly CandleRow[], leader: string): CandleRow[] {
  const of = new Map(rows.filter(({ venue }) => venue === leader).map((row) => [row.start, row]));
  const mirrored = new Map<number, CandleRow>();
  let last: { readonly before: number; readonly after: number } | undefined;
  for (const row of of.values()) {
    const { before, after } = last ?? { before: row.open, after: row.open };
    const way = (row.start / MINUTE) % 2 === 0 ? 1 : -1;
    const to = (price: number): number => after * exp(way * log(price / before));
    const [open, close, one, other] = [to(row.open), to(row.close), to(row.high), to(row.low)];
    mirrored.set(row.start, { ...row, open, close, high: max(one, other), low: min(one, other) });
    last = { before: row.close, after: close };
  }
  return rows.flatMap((row) => {
    const [own, turned] = [of.get(row.start), mirrored.get(row.start)];
    if (own === undefined || turned === undefined) return [];
    if (row.venue === leader) return turned;
    const [open, close] = [turned.open * (row.open / own.open), turned.close * (row.close / own.close)];
    const high = max(open, close, turned.high * (row.high / own.high));
    return { ...row, open, close, high, low: min(open, close, turned.low * (row.low / own.low)) };
  });
}
