/** The end of one partition as its readers see it: what is on disk, and a wake-up call when that grows. */
export class Tail {
  #end: number;
  readonly #waiting = new Set<() => void>();

  constructor(end: number) {
    this.#end = end;
  }

  /** The offset after the last record. */
  get end(): number {
    return this.#end;
  }

  moveTo(end: number): void {
    this.#end = end;
    this.wake();
  }

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** Resolves when there is something at or after `offset`, when `signal` aborts, or at `wake`. */
  reaches(offset: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#end > offset || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }
}
