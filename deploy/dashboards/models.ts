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
      title: 'Bundles refused',
      description: 'Unreadable, or trained on features that are not live; by slot, a second.',
      unit: 'ops',
      queries: [{ expr: rare('tributary_inference_bundles_refused_total', 'slot'), legend: '{{slot}}' }],
    },
    {
      title: 'Callers of StreamSignals',
      description: 'Open streams; an instance has room for 256 calls.',
      unit: 'short',
      queries: [{ expr: `sum(${of('tributary_inference_streams')})`, legend: 'open' }],
    },
  ],
};
