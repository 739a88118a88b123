/** Vectors made once more, held against those of the log, while both go by. Pure; what has met its like is forgotten. */
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';

export class VectorParity {
  readonly findings: string[] = [];
  compared = 0;
  mismatches = 0;
  readonly #made = new Map<string, Uint8Array>();
  readonly #logged = new Map<string, Uint8Array>();

  made(vector: FeatureVector): void {
    this.#meet(vector, this.#made, this.#logged);
  }

  logged(vector: FeatureVector): void {
    this.#meet(vector, this.#logged, this.#made);
  }

  /** What has not met its like by now never will. */
  end(): void {
    for (const key of this.#made.keys()) this.#find(`${key} is missing`);
    for (const key of this.#logged.keys()) this.#find(`${key} should not be there, or not twice`);
    this.#made.clear();
    this.#logged.clear();
  }

  #meet(vector: FeatureVector, own: Map<string, Uint8Array>, others: Map<string, Uint8Array>): void {
    const key = `vector ${vector.lane} ${vector.venue} ${vector.instrument} ${vector.t}`;
    const bytes = FeatureVector.encode(vector).finish();
    const other = others.get(key);
    if (other === undefined) {
      if (own.has(key)) this.#find(`${key} comes twice`);
      own.set(key, bytes);
      return;
    }
    others.delete(key);
    this.compared++;
    if (!Buffer.from(bytes).equals(other)) this.#find(`${key} differs`);
  }

  #find(finding: string): void {
    this.mismatches++;
    if (this.findings.length < 5) this.findings.push(finding);
  }
}
