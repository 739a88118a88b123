/**
 * Rows and their mirror images: what is learnt of a market that rises holds for the mirror image of it, which falls (libs/features/mirror.ts). Twice the
 * rows, and no opinion on which way the market leans by itself (docs/decisions/071).
 */
import { mirrorOf } from '../features/mirror.ts';
import { type MirrorMap } from './bundle.ts';
import { formatInput, type Input } from './inputs.ts';

/** The input whose value it takes in the mirror. */
export function mirrorInput({ feature, lag }: Input): Input {
  return { feature: mirrorOf(feature).column, lag };
}

/** Whether it is the same in the mirror. */
export function isSteady({ feature }: Input): boolean {
  const { column, about } = mirrorOf(feature);
  return column === feature && about === undefined;
}

/** Each input's partner must be among them. */
export function mirrorMap(inputs: readonly Input[]): MirrorMap {
  const places = new Map(inputs.map((input, place) => [formatInput(input), place]));
  return {
    from: inputs.map((input) => places.get(formatInput(mirrorInput(input)))!),
    about: inputs.map(({ feature }) => mirrorOf(feature).about ?? null),
  };
}

/** Of rows and, behind them, of their mirror images: those come to the opposite. */
export function bothOutcomes(up: Uint8Array): Uint8Array {
  const both = new Uint8Array(2 * up.length);
  both.set(up);
  both.set(
    up.map((each) => 1 - each),
    up.length,
  );
  return both;
}
