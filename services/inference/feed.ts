/** The decisions of this process as its callers see them: the latest of each (venue, instrument, horizon), and each new one. */
import { type Signal } from '#libs/wire/tributary/v1/signals.ts';

export class SignalFeed {
  readonly #latest = new Map<string, Signal>();
  readonly #listeners = new Set<(signal: Signal) => void>();

  /** Remembers a decision of an earlier run, if it is the latest. */
  restore(signal: Signal): void {
    const key = `${signal.instrument}|${signal.venue}|${signal.horizon}`;
    const known = this.#latest.get(key);
    if (known === undefined || signal.t > known.t) this.#latest.set(key, signal);
  }

  publish(signal: Signal): void {
    this.restore(signal);
    for (const listener of this.#listeners) listener(signal);
  }

  latest(): readonly Signal[] {
    return [...this.#latest.values()];
  }

  /** Calls `listener` with each new decision, until the returned function is called. It must not wait. */
  subscribe(listener: (signal: Signal) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
