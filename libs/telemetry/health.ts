/** What `/healthz` and `/readyz` answer: each part of a process says how it is. */
export interface PartHealth {
  readonly live: boolean;
  readonly ready: boolean;
  readonly detail: string;
}

export class Health {
  readonly #parts = new Map<string, PartHealth>();
  #drains = false;

  /** The process has been told to stop: it is not ready from now on, whatever its parts say while they finish. */
  drain(): void {
    this.#drains = true;
  }

  set(part: string, state: { readonly ready: boolean; readonly live?: boolean; readonly detail?: string }): void {
    this.#parts.set(part, { live: state.live ?? true, ready: state.ready, detail: state.detail ?? '' });
  }

  get live(): boolean {
    return [...this.#parts.values()].every((part) => part.live);
  }

  get ready(): boolean {
    return !this.#drains && this.#parts.size > 0 && [...this.#parts.values()].every((part) => part.live && part.ready);
  }

  parts(): Readonly<Record<string, PartHealth>> {
    return Object.fromEntries(this.#parts);
  }
}
