/** Names of a model's inputs: a feature at its version, now or k vectors ago. */
import { TributaryError } from '../errors/errors.ts';

export interface Input {
  /** `name@version`. */
  readonly feature: string;
  /** Vectors back; 0 = the newest. */
  readonly lag: number;
}

export function formatInput(input: Input): string {
  return input.lag === 0 ? input.feature : `${input.feature}#${input.lag}`;
}

/** `name@version` or `name@version#lag`. */
export function parseInput(text: string): Input {
  const mark = text.lastIndexOf('#');
  return mark < 0 ? { feature: text, lag: 0 } : { feature: text.slice(0, mark), lag: Number(text.slice(mark + 1)) };
}

/** Where each input stands in a vector of `columns`. Throws `TRB_BUNDLE_FEATURES` for those that are not computed at that version. */
export function resolveInputs(inputs: readonly Input[], columns: readonly string[]): Int32Array {
  const places = new Map(columns.map((column, place) => [column, place]));
  const missing = [...new Set(inputs.map((input) => input.feature).filter((feature) => !places.has(feature)))];
  if (missing.length > 0) {
    const some = missing.slice(0, 5).join(', ') + (missing.length > 5 ? `, … (${missing.length} in all)` : '');
    throw new TributaryError('TRB_BUNDLE_FEATURES', `The model needs features that are not computed: ${some}.`, {
      hint: 'Run the version that computes them, or train a new model.',
    });
  }
  return Int32Array.from(inputs, (input) => places.get(input.feature)!);
}
