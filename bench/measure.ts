/** One figure of a benchmark: the median of several runs, its spread, and, where it has one, the ratio to its pair from the same run. */
export interface Figure {
  readonly name: string;
  /** Median of `runs`. */
  readonly value: number;
  readonly unit: string;
  readonly runs: readonly number[];
  /** What it was paired with in the same run, and value / its value. */
  readonly against?: string;
  readonly ratio?: number;
}

const RUNS = 5;

/** Work per second: `work` does `count` units; the first run warms up and is not counted. */
export async function rate(name: string, unit: string, count: number, work: () => void | Promise<void>): Promise<Figure> {
  const runs: number[] = [];
  for (let run = 0; run <= RUNS; run += 1) {
    const start = performance.now();
    await work();
    if (run > 0) runs.push((count / (performance.now() - start)) * 1000);
  }
  return figure(name, unit, runs);
}

export function figure(name: string, unit: string, runs: readonly number[]): Figure {
  return { name, value: quantile(runs, 0.5), unit, runs };
}

export function paired(measured: Figure, reference: Figure): Figure {
  return { ...measured, against: reference.name, ratio: measured.value / reference.value };
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** One line: name, median, unit, lowest to highest run, ratio. */
export function line({ name, value, unit, runs, against, ratio }: Figure): string {
  const spread = `${short(Math.min(...runs))} … ${short(Math.max(...runs))}`;
  const pair = against === undefined ? '' : `  ${short(ratio ?? NaN)} x ${against}`;
  return `${name.padEnd(34)} ${short(value).padStart(10)} ${unit.padEnd(12)} ${spread.padEnd(24)}${pair}`;
}

function short(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
