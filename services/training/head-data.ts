/** One head's rows: the vectors of (venue, instrument) with what came of each for one horizon and target. */
import { HORIZON_MS, type Horizon } from '#libs/market/horizon.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type CandleTarget, FLAT, labelMinutes, type LabelTarget, type MinuteSeries, UP, VOID } from '#libs/validation/labels.ts';
import { type Fold, isInSet, isTrained, type TrainingSet } from '#libs/validation/splits.ts';

export interface HeadData {
  readonly table: VectorTable;
  readonly horizon: Horizon;
  readonly target: LabelTarget;
  /** UP, DOWN, FLAT or VOID by row of the table. */
  readonly y: Int8Array;
  /** |log return| by row. */
  readonly size: Float64Array;
  /** 0 where there is no decision; default: everywhere is one. */
  readonly isDecided?: Uint8Array;
}

const MINUTE = 60_000;

export function headData(table: VectorTable, series: MinuteSeries, horizon: Horizon, target: CandleTarget): HeadData {
  const from = table.t[0] ?? 0;
  const minutes = table.t.length === 0 ? 0 : (table.t.at(-1)! - from) / MINUTE + 1;
  const labels = labelMinutes(series, target, HORIZON_MS[horizon], from, minutes);
  const place = (t: number): number => (t - from) / MINUTE;
  return {
    table,
    horizon,
    target,
    y: Int8Array.from(table.t, (t) => labels.y[place(t)]!),
    size: Float64Array.from(table.t, (t) => Math.abs(labels.logReturn[place(t)]!)),
  };
}

/** Moves that a fold may train on, oldest first. */
export function trainingRows(head: HeadData, fold: Fold): Int32Array {
  return rowsWhere(head, (row, t) => isMove(head, row) && isTrained(fold, t, HORIZON_MS[head.horizon]));
}

/** Moves of a set, oldest first. */
export function rowsOf(head: HeadData, set: TrainingSet): Int32Array {
  return rowsWhere(head, (row, t) => isMove(head, row) && isInSet(set, t, HORIZON_MS[head.horizon]));
}

/** Every decision of a fold's test. */
export function testRows(head: HeadData, fold: Pick<Fold, 'testFrom' | 'testTo'>): Int32Array {
  return rowsWhere(head, (_, t) => t >= fold.testFrom && t < fold.testTo);
}

export function isMove(head: HeadData, row: number): boolean {
  return head.y[row] !== FLAT && head.y[row] !== VOID;
}

/** 1 where the price rose. */
export function upsOf(head: HeadData, rows: Int32Array): Uint8Array {
  return Uint8Array.from(rows, (row) => Number(head.y[row] === UP));
}

function rowsWhere(head: HeadData, keep: (row: number, t: number) => boolean): Int32Array {
  const rows = new Int32Array(head.table.t.length);
  let count = 0;
  for (let row = 0; row < rows.length; row++)
    if (head.isDecided?.[row] !== 0 && keep(row, head.table.t[row]!)) rows[count++] = row;
  return rows.slice(0, count);
}
