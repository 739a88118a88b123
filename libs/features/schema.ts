/** What a stored vector's columns mean: generated from the catalogue. */
export interface FeatureSchema {
  /** Hash over the ordered `name@version`. */
  readonly id: string;
  /** `name@version`, in the order of FeatureVector.values. */
  readonly columns: readonly string[];
}
