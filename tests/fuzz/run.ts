/** Tries inputs on every target in turn, from one seed; stops at a number of inputs or after a while. */
import { createGenerator } from './generator.ts';
import { openTargets } from './targets.ts';

export interface Findings {
  readonly tried: number;
  /** One line each: target, seed of the input, what it threw. */
  readonly crashes: readonly string[];
}

/** `isEnough`: asked before each round with the number of inputs tried. */
export async function fuzz(seed: number, isEnough: (tried: number) => boolean): Promise<Findings> {
  const targets = openTargets();
  const crashes: string[] = [];
  let tried = 0;
  try {
    for (let round = 0; !isEnough(tried); round++) {
      for (const target of targets) {
        const inputSeed = seed * 1_000_003 + round;
        tried++;
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
    for (const target of targets) target.close?.();
  }
  return { tried, crashes };
}
