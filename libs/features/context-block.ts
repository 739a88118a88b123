/** Features that are functions of context values alone: a list of declarations becomes a block. */
import { type Category, type Feature, type MinuteBlock } from './declaration.ts';
import { contextBefore, contextValue } from './context.ts';
import { type View } from './view.ts';

/** Reads series by name; `{asset}` in a name stands for the asset of the vector. */
export interface ContextReader {
  /** The value that may serve at t, NaN = none. */
  readonly value: (series: string) => number;
  /** The value of the period `ms` before that one, NaN = none: see contextBefore. */
  readonly before: (series: string, ms: number) => number;
  /** Decision time, milliseconds. */
  readonly t: number;
}

export interface ContextFeature extends Omit<Feature, 'inputs' | 'reads'> {
  /** Every series that `compute` reads, as `source:series`. */
  readonly reads: readonly string[];
  /** NaN = missing. Must not depend on anything but what it reads. */
  readonly compute: (read: ContextReader) => number;
}

/** A block of one column per declaration, the same for all instruments of an asset. */
export function contextBlock(category: Category, declarations: readonly ContextFeature[]): MinuteBlock<null> {
  return {
    kind: 'minute',
    category,
    scope: 'asset',
    features: declarations.map(declared),
    create: () => null,
    write: (_state, view, out, at) => {
      const read = readerOf(view);
      for (let i = 0; i < declarations.length; i++) out[at + i] = declarations[i]!.compute(read);
    },
  };
}

function declared({ name, version, unit, formula, reads, source, warmup }: ContextFeature): Feature {
  const optional = { ...(version !== undefined && { version }), ...(source !== undefined && { source }) };
  return { name, unit, formula, inputs: ['context'], reads, warmup, ...optional };
}

export function readerOf({ context, asset: { asset }, t }: View): ContextReader {
  const keyOf = (series: string): string => series.replace('{asset}', asset);
  return {
    t,
    value: (series) => contextValue(context, keyOf(series), t),
    before: (series, ms) => contextBefore(context, keyOf(series), ms, t),
  };
}
