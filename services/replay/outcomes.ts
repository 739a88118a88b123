/** The outcomes of a log as predictions, by head: what the accuracy table is made of. */
import { type EventLog } from '#libs/log/port.ts';
import { type Horizon, isHorizon } from '#libs/market/horizon.ts';
import { DOWN, FLAT, UP, VOID } from '#libs/validation/labels.ts';
import { type Prediction } from '#libs/validation/metrics.ts';
import { Direction, Outcome, OutcomeStatus } from '#libs/wire/tributary/v1/signals.ts';

export interface ReplayedHead {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: Horizon;
  readonly target: 'entry';
  readonly predictions: readonly Prediction[];
}

const Y = new Map<OutcomeStatus, number>([
  [OutcomeStatus.OUTCOME_STATUS_UP, UP],
  [OutcomeStatus.OUTCOME_STATUS_DOWN, DOWN],
  [OutcomeStatus.OUTCOME_STATUS_FLAT, FLAT],
]);

export async function readOutcomes(log: EventLog): Promise<ReplayedHead[]> {
  const heads = new Map<string, ReplayedHead & { readonly predictions: Prediction[] }>();
  for (let partition = 0; partition < (await log.partitions('outcomes')); partition += 1) {
    for await (const { records } of log.read('outcomes', partition)) {
      for (const record of records) add(heads, Outcome.decode(record.value));
    }
  }
  return [...heads.keys()].sort().map((key) => heads.get(key)!);
}

function add(heads: Map<string, ReplayedHead & { readonly predictions: Prediction[] }>, { signal, status }: Outcome): void {
  // Decisions without a model say nothing that could be right or wrong.
  if (signal === undefined || signal.confidence < 0.5 || !isHorizon(signal.horizon)) return;
  const { instrument: symbol, venue, horizon, direction } = signal;
  const key = `${symbol} ${venue} ${horizon.padStart(4)}`;
  let head = heads.get(key);
  if (head === undefined) heads.set(key, (head = { symbol, venue, horizon, target: 'entry', predictions: [] }));
  const spoken = direction === Direction.DIRECTION_UP ? 1 : direction === Direction.DIRECTION_DOWN ? -1 : 0;
  head.predictions.push({ t: signal.t, probabilityUp: signal.probabilityUp, signal: spoken, y: Y.get(status) ?? VOID });
}
