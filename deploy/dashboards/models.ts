/** What serves, how old it is, what it says. */
import { type DashboardSpec, of, quantile, rare, rate } from './panel.ts';

export const models: DashboardSpec = {
  uid: 'tributary-models',
  title: 'Models',
  description: 'The serving bundle: age, speed, decisions; bundles that were refused.',
  panels: [
    {
      title: 'Age of the serving bundle',
      description: 'Since it was published; 0 = none serves. Older than a day: see the runbook of ModelOld.',
      unit: 's',
      queries: [{ expr: of('tributary_inference_model_age_seconds'), legend: '{{tributary_service}} {{instance}}' }],
    },
    {
      title: 'Scoring one vector, p50 and p99',
      description: 'All its horizons together. It holds the event loop as long.',
      unit: 's',
      queries: [
        { expr: quantile(0.5, 'tributary_inference_score_seconds', ['lane']), legend: '{{lane}} p50' },
        { expr: quantile(0.99, 'tributary_inference_score_seconds', ['lane']), legend: '{{lane}} p99' },
      ],
    },
    {
      title: 'Decisions by direction',
      description: 'A second, by horizon. One direction alone for long is a model that has stopped to look.',
      unit: 'ops',
      queries: [
        {
          expr: `sum by (horizon, direction) (${rate('tributary_inference_signals_total')})`,
          legend: '{{horizon}} {{direction}}',
        },
      ],
    },
    {
      title: 'Evidence on the challenger',
      description: 'Of the paired comparison; 1 = none. At 1 / alpha (20) it is promoted a step further, or leaves.',
      unit: 'short',
      queries: [{ expr: `max by (lane, verdict) (${of('tributary_rollout_evidence')})`, legend: '{{lane}} {{verdict}}' }],
    },
    {
      title: 'Evidence of being below the floor',
      description: 'That what a slot says is right less often than the floor. At 1 / floor-alpha (100) it is rolled back.',
      unit: 'short',
      queries: [{ expr: `max by (lane, slot) (${of('tributary_rollout_floor_evidence')})`, legend: '{{lane}} {{slot}}' }],
    },
    {
      title: 'Is there a challenger',
      description: '1 = a bundle is being judged. None for two days in the slow lane is an alert: nothing could take over.',
      unit: 'short',
      min: 0,
      max: 1,
      queries: [{ expr: `max by (lane) (${of('tributary_rollout_challengers')})`, legend: '{{lane}}' }],
    },
    {
      title: 'Share of the challenger',
      description: 'Of the decisions, while it is rolled out; 0 = it runs in shadow alone, or there is none.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [{ expr: `max by (lane) (${of('tributary_rollout_challenger_share_ratio')})`, legend: '{{lane}}' }],
    },
    {
      title: 'Changes of the slots by the rollout',
      description: 'Serve a share, promote, roll back, clear a slot; `tributary models list` says why.',
      unit: 'ops',
      queries: [{ expr: `sum by (lane, action) (${rate('tributary_rollout_steps_total')})`, legend: '{{lane}} {{action}}' }],
    },
    {
      title: 'Bundles refused',
      description: 'Unreadable, or trained on features that are not live; by slot, a second.',
      unit: 'ops',
      queries: [{ expr: rare('tributary_inference_bundles_refused_total', 'slot'), legend: '{{slot}}' }],
    },
    {
      title: 'Parity: what differs',
      description:
        'Of the vectors and signals that the last check made once more from the log, those that are not what was published. Anything but 0: see the runbook of ParityBroken.',
      unit: 'short',
      min: 0,
      queries: [{ expr: `sum by (kind) (${of('tributary_parity_mismatches')}) or vector(0)`, legend: '{{kind}}' }],
    },
    {
      title: 'Parity: compared by the last check',
      description: 'Without any, that nothing differs says nothing: no check yet, or the one-process shape, which makes none.',
      unit: 'short',
      min: 0,
      queries: [{ expr: `sum by (kind) (${of('tributary_parity_compared')}) or vector(0)`, legend: '{{kind}}' }],
    },
    {
      title: 'Callers of StreamSignals',
      description: 'Open streams; an instance has room for 256 calls.',
      unit: 'short',
      queries: [{ expr: `sum(${of('tributary_inference_streams')})`, legend: 'open' }],
    },
  ],
};
