/** What the slots hold and how they compare, as `/api/models` and `tributary models` show it. */
import { type Lane, LANES } from '#libs/market/horizon.ts';
import { type Registries } from '#libs/registry/order.ts';
import { type SlotRow } from '#services/evaluation/slots.ts';

export interface HeldRow {
  readonly lane: Lane;
  readonly slot: string;
  readonly bundle_id: string;
  /** Milliseconds. */
  readonly effective_t: number;
  readonly time: number;
  readonly actor: string;
  readonly reason: string;
  readonly pinned: boolean;
  /** Of the challenger: share of the decisions that it serves, 0..1. */
  readonly share: number;
}

export interface ModelsView {
  readonly slots: readonly HeldRow[];
  readonly accuracy: readonly SlotRow[];
}

export function modelsView(registries: Registries, accuracy: readonly SlotRow[]): ModelsView {
  const slots = LANES.flatMap((lane) =>
    (registries[lane]?.slots() ?? []).map(({ slot, bundleId, effectiveT, time, actor, reason, pinned, share }) => ({
      ...{ lane, slot, bundle_id: bundleId, effective_t: effectiveT, time, actor, reason, pinned, share },
    })),
  );
  // A bundle that has left its slot may have the newest outcomes there.
  const held = new Set(slots.map(({ lane, slot, bundle_id }) => `${lane} ${slot} ${bundle_id}`));
  return { slots, accuracy: accuracy.filter(({ lane, slot, bundleId }) => held.has(`${lane} ${slot} ${bundleId}`)) };
}
