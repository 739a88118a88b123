/** What a source gives its tests. A file of its own: it is read outside tests too, where there is no Jest. */
import { type Answers } from './recorded.ts';

/** Answers as the host gives them, written by hand: recorded ones are not part of the repository. */
export interface SourceSample {
  readonly answers: Answers;
  /** When they are fresh, milliseconds. */
  readonly now: number;
  /** Series whose answer says nothing of the time it is of, so that `observedAt` can only be now. */
  readonly undated?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}
