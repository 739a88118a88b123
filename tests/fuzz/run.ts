/** Tries inputs on every target in turn, from one seed; stops at a number of inputs or after a while. */
import { Worker } from 'node:worker_threads';
import { createGenerator } from './generator.ts';
import { openTargets, type Target } from './targets.ts';

export interface Findings {
  readonly tried: number;
  /** One line each: target, seed of the input, what it threw. */
  readonly crashes: readonly string[];
}

/** An input that takes this long never ends, milliseconds. */
const HANG_MS = 30_000;

/** `isEnough`: asked before each round with the number of inputs tried. An input that hangs is named, and ends the process. */
export async function fuzz(
  seed: number,
  isEnough: (tried: number) => boolean,
  targets: readonly Target[] = openTargets(),
  hangMs = HANG_MS,
): Promise<Findings> {
  const now = new Float64Array(new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT));
  const watch = new Worker(WATCH, {
    ...{ eval: true, execArgv: [] },
    workerData: { now, hangMs, names: targets.map(({ name }) => name) },
  });
  const crashes: string[] = [];
  let tried = 0;
  try {
    for (let round = 0; !isEnough(tried); round++) {
      for (const [index, target] of targets.entries()) {
        const inputSeed = seed * 1_000_003 + round;
        now.set([++tried, index, inputSeed]);
        try {
          await target.once(createGenerator(inputSeed));
        } catch (thrown) {
          crashes.push(
            `${target.name}, input ${inputSeed}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
          );
        }
        if ('polluted' in {}) throw new Error(`${target.name}, input ${inputSeed}, changed Object.prototype`);
      }
    }
  } finally {
    await watch.terminate();
    for (const target of targets) await target.close?.();
  }
  return { tried, crashes };
}

/** Here an input that never ends would be one that did hang: whoever gets this far had none. */
export function textOf({ tried, crashes }: Findings, seed: number): string {
  return `inputs ${tried}, crashes ${crashes.length}, hangs 0, seed ${seed}\n`;
}

/** In a thread of its own: a reader that does not come back lets no timer of its thread run. */
const WATCH = `
  const { workerData: { now, hangMs, names } } = require('node:worker_threads');
  let before = 0;
  setInterval(() => {
    if (now[0] === before) {
      require('node:fs').writeSync(2, 'hang: ' + names[now[1]] + ', input ' + now[2] + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    before = now[0];
  }, hangMs);
`;
