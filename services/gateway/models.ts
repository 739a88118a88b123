/** What the slots hold and how they compare, as `/api/models` and `tributary models` show it. */
import { type ModelRegistry } from '#libs/registry/registry.ts';
import { type SlotRow } from '#services/evaluation/slots.ts';

export interface HeldRow {
  readonly slot: string;
  readonly bundle_id: string;
  /** Milliseconds. */
  readonly effective_t: number;
  readonly time: number;
  readonly actor: string;
  readonly reason: string;
  readonly pinned: boolean;
}

export interface ModelsView {
  readonly slots: readonly HeldRow[];
  readonly accuracy: readonly SlotRow[];
}

export function modelsView(registry: ModelRegistry, accuracy: readonly SlotRow[]): ModelsView {
  const slots = registry.slots().map(({ slot, bundleId, effectiveT, time, actor, reason, pinned }) => ({
    ...{ slot, bundle_id: bundleId, effective_t: effectiveT, time, actor, reason, pinned },
  }));
  // A bundle that has left its slot may have the newest outcomes there.
  const held = new Set(slots.map(({ slot, bundle_id }) => `${slot} ${bundle_id}`));
  return { slots, accuracy: accuracy.filter(({ slot, bundleId }) => held.has(`${slot} ${bundleId}`)) };
}
