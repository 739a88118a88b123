/**
 * Errors a user or an operator can act on. Each carries a stable code (`TRB_…`), what to do, and whether trying again can help.
 */
export interface ErrorDetails {
  /** What the reader can do about it; one sentence. */
  readonly hint?: string;
  /** Whether the same call may succeed later. Default false. */
  readonly canRetry?: boolean;
  readonly cause?: unknown;
}

export class TributaryError extends Error {
  override readonly name = 'TributaryError';
  /** Stable: scripts match on it. Upper case, `TRB_` first. */
  readonly code: `TRB_${string}`;
  readonly hint: string | undefined;
  readonly canRetry: boolean;

  constructor(code: `TRB_${string}`, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.canRetry = details.canRetry ?? false;
  }
}

/** The text of anything that was thrown; never throws itself. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return 'unknown error';
  }
}

/** One line for a person: message, code, and what to do. */
export function describeError(thrown: unknown): string {
  if (!(thrown instanceof TributaryError)) return messageOf(thrown);
  return `${thrown.message} [${thrown.code}]${thrown.hint === undefined ? '' : ` ${thrown.hint}`}`;
}
