/** What the rollout shows to Prometheus. */
import { type Registry } from 'prom-client';
import { type Lane, LANES } from '#libs/market/horizon.ts';
import { type Rollout, type Step, WATCHED } from '#libs/registry/rollout.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';

export type RolloutMetrics = ReturnType<typeof rolloutMetrics>;

export function rolloutMetrics(registry: Registry) {
  const metrics = serviceMetrics(registry, 'rollout');
  const steps = metrics.counter('steps_total', 'Changes of the slots.', ['action', 'lane']);
  // A series that begins at its first event shows no increase: the first rollback would go unseen.
  for (const action of ['serve', 'promote', 'rollback', 'clear', 'tune'] as const)
    for (const lane of LANES) steps.inc({ action, lane }, 0);
  const evidence = metrics.gauge(
    'evidence',
    'Of the paired comparison, 1 = none: that the challenger is better than what decides, or worse; 1 / alpha decides.',
    ['verdict', 'lane'],
  );
  const blocks = metrics.gauge('compared_blocks', 'Blocks of time in the comparison.', ['lane']);
  const floor = metrics.gauge(
    'floor_evidence',
    'That what the slot says is right less often than the floor, at its worst horizon; 1 / floor-alpha decides.',
    ['slot', 'lane'],
  );
  const challengers = metrics.gauge('challengers', 'Bundles in the slot of the challenger: 0 or 1.', ['lane']);
  const share = metrics.gauge('challenger_share_ratio', 'Share of the decisions that the challenger serves.', ['lane']);
  return {
    time: metrics.gauge('time_seconds', 'Time of the newest outcome that is judged, seconds since the Unix epoch.'),
    rollback: metrics.gauge(
      'rollback_seconds',
      'Of the newest rollback: from the outcome that led to it to the first decision time that it bears on.',
    ),
    show(lane: Lane, rollout: Rollout, challenger: ModelSlot | undefined): void {
      const { better, worse, blocks: count } = rollout.standing();
      evidence.set({ verdict: 'better', lane }, better);
      evidence.set({ verdict: 'worse', lane }, worse);
      blocks.set({ lane }, count);
      for (const slot of WATCHED) floor.set({ slot, lane }, rollout.belowFloor(slot));
      challengers.set({ lane }, challenger === undefined ? 0 : 1);
      share.set({ lane }, challenger?.share ?? 0);
    },
    stepped(lane: Lane, { action }: Step): void {
      steps.inc({ action, lane });
    },
  };
}
