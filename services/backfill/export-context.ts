/** Context values of a store as a file that training, backtests and replays take (libs/history/context-file.ts). */
import { writeContext } from '#libs/history/context-file.ts';
import { type ContextQuery, streamContextValues } from '#libs/store/context-values.ts';
import { type Store } from '#libs/store/port.ts';

/** Writes a `.csv.gz`; returns how many. */
export function exportContext(store: Store, file: string, query: ContextQuery = {}): Promise<number> {
  return writeContext(file, streamContextValues(store, query));
}
