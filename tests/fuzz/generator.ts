/** Hostile input from a seed: pieces of what a reader knows, torn, doubled, swapped, and mixed with what JSON and text can do to a reader. */
export interface Generator {
  /** Whole, in [0, below). */
  next(below: number): number;
  pick<T>(from: readonly T[]): T;
}

/** mulberry32: small, seeded, good enough to scatter. */
export function createGenerator(seed: number): Generator {
  let state = seed >>> 0;
  const next = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
  return { next, pick: (from) => from[next(from.length)]! };
}

const DEEP = 20_000;
/** Texts of JSON values. */
const HOSTILE = [
  '{"toString":1,"valueOf":1}',
  '{"__proto__":{"isAdmin":true,"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '"__proto__"',
  '"constructor"',
  '"hasOwnProperty"',
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  '{"length":4294967295}',
  '1e400',
  '-1e400',
  '9007199254740993',
  '0',
  '-0.0000000000000000000000001',
  '""',
  '"\\u0000\\ud800"',
  '"../../etc/passwd"',
  '"=cmd|\' /C calc\'!A1"',
  'null',
  'true',
  '[]',
  '{}',
  '[[]]',
  '"NaN"',
  '"Infinity"',
  '"1e309"',
] as const;

/** A valid text made hostile by one to three changes: of values, which keeps to the grammar and reaches far in, or of anything. */
export function mutate(text: string, generator: Generator): string {
  const change = generator.pick([swapValue, swapValue, changeText]);
  let mutated = text;
  for (let count = 0; count <= generator.next(3); count++) mutated = change(mutated, generator);
  return mutated;
}

/** Keys, or a value. */
const TOKENS = /"(?:[^"\\]|\\.)*"\s*:|("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null)/gi;

function swapValue(text: string, generator: Generator): string {
  const values = [...text.matchAll(TOKENS)].filter(([, value]) => value !== undefined);
  if (values.length === 0) return generator.pick(HOSTILE) + text;
  const { index, 0: value } = generator.pick(values);
  return text.slice(0, index) + generator.pick(HOSTILE) + text.slice(index + value.length);
}

function changeText(text: string, generator: Generator): string {
  const at = generator.next(text.length + 1);
  const until = Math.min(text.length, at + 1 + generator.next(12));
  return generator.pick([
    text.slice(0, at),
    text.slice(0, at) + text.slice(until),
    text.slice(0, at) + String.fromCharCode(generator.next(0x300)) + text.slice(at),
    text.slice(0, until) + text.slice(at),
  ]);
}

/** Bytes changed, cut or doubled. */
export function mutateBytes(bytes: Uint8Array, generator: Generator): Buffer {
  const mutated = Buffer.from(bytes);
  for (let change = 0; change <= generator.next(6); change++) {
    if (mutated.length > 0) mutated[generator.next(mutated.length)] = generator.next(256);
  }
  const cut = generator.next(mutated.length + 1);
  return generator.pick([mutated, mutated.subarray(0, cut), Buffer.concat([mutated, mutated.subarray(cut)])]);
}
