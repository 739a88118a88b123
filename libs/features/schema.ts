/** Names of the columns of stored vectors, and the vectors as they are stored. */
import { createHash } from 'node:crypto';

/** What a stored vector's columns mean: generated from the catalogue. */
export interface FeatureSchema {
  /** Hash over the ordered `name@version`. */
  readonly id: string;
  /** `name@version`, in the order of FeatureVector.values. */
  readonly columns: readonly string[];
}

export function describeSchema(columns: readonly string[]): FeatureSchema {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two features are named ${twice}.`);
  return { id: createHash('sha256').update(columns.join('\n')).digest('hex').slice(0, 16), columns };
}

/** Float32, as it is stored and as models see it. */
export function storedValues(wide: Float64Array): number[] {
  const narrow = new Array<number>(wide.length);
  for (let i = 0; i < wide.length; i++) {
    const value = wide[i]!;
    narrow[i] = value - value === 0 ? Math.fround(value) : NaN;
  }
  return narrow;
}
