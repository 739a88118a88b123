/** What a minute block may look at: everything known before the clock of t, and nothing else. */
import { type AssetState, type InstrumentState } from './state.ts';
import { type ContextBook } from './context.ts';
import { type ReferenceBook } from './references.ts';
import { type Seconds } from './seconds.ts';

export interface View {
  /** Decision time, whole minute, milliseconds. */
  readonly t: number;
  readonly asset: AssetState;
  /** The instrument that the vector belongs to; in asset blocks the asset's lead. */
  readonly instrument: InstrumentState;
  readonly references: ReferenceBook;
  /** BTC-USD references by second, by their key. */
  readonly coinSeconds: ReadonlyMap<string, Seconds>;
  readonly context: ContextBook;
}
