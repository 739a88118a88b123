/** Hands items from a producer that pushes to one reader that pulls; `put` waits until its item is taken, so one waits at most. */
export class Handoff<Item> implements AsyncIterable<Item> {
  #waiting: { readonly item: Item; readonly taken: () => void } | undefined;
  #wake: () => void = () => undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Resolves when the item was taken or nobody will take it any more. */
  put(item: Item): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { item, taken: resolve };
      this.#wake();
    });
  }

  end(): void {
    this.#ended = true;
    this.#waiting?.taken();
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    while (!this.#ended) {
      const waiting = this.#waiting;
      if (waiting === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      this.#waiting = undefined;
      try {
        yield waiting.item;
      } finally {
        // Also where the reader has had enough: whoever put it there must not wait for ever.
        waiting.taken();
      }
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
