/** What training brought: how long it took, what it learned from, and whether live keeps what it promised. */
import { type DashboardSpec, of, rare } from './panel.ts';

const HEAD = '{{slot}} {{venue}} {{instrument}} {{horizon}}';
const BY_HEAD = 'slot, lane, venue, instrument, horizon';

/** Every inference has the same bundles. */
const head = (metric: string): string => `max by (${BY_HEAD}) (${of(metric)})`;

export const training: DashboardSpec = {
  uid: 'tributary-training',
  title: 'Training',
  description: 'Trainings and the bundles in the slots: data, out-of-fold figures, and what became of them live.',
  panels: [
    {
      title: 'Duration of the last training',
      description:
        'In the one-process shape, which trains by itself. On Kubernetes a Job does: kube_job_status_* say how it went.',
      unit: 's',
      queries: [{ expr: of('tributary_training_duration_seconds'), legend: '{{kind}} {{instance}}' }],
    },
    {
      title: 'Trainings by result',
      description: 'A second. One that fails is tried again; see the runbook of TrainingFailed.',
      unit: 'ops',
      queries: [{ expr: rare('tributary_training_runs_total', 'result'), legend: '{{result}}' }],
    },
    {
      title: 'Age of the training data',
      description:
        'Since the end of what the bundle of a slot was trained on. After 14 days it leaves the decision to the fallback.',
      unit: 's',
      queries: [
        {
          expr: `time() - max by (slot, lane) (${of('tributary_inference_bundle_trained_until_timestamp_seconds')})`,
          legend: '{{slot}} {{lane}}',
        },
      ],
    },
    {
      title: 'Moves trained on',
      description: 'Of each head. Few = a short history, or an instrument that hardly trades.',
      unit: 'short',
      min: 0,
      queries: [{ expr: head('tributary_inference_bundle_trained_rows'), legend: HEAD }],
    },
    {
      title: 'Accuracy out of fold, all decisions',
      description: 'On moves, by models that had not seen them. It stands before anything is published.',
      unit: 'percentunit',
      min: 0.3,
      max: 1,
      queries: [{ expr: head('tributary_inference_bundle_accuracy_ratio'), legend: HEAD }],
    },
    {
      title: 'Accuracy out of fold at the threshold',
      description: 'Of the moves on which a head would have spoken. No line: it found no threshold and is silenced.',
      unit: 'percentunit',
      min: 0.3,
      max: 1,
      queries: [{ expr: head('tributary_inference_bundle_emitted_accuracy_ratio'), legend: HEAD }],
    },
    {
      title: 'Coverage out of fold at the threshold',
      description: 'Share of the moves on which a head would have spoken.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [{ expr: head('tributary_inference_bundle_emitted_coverage_ratio'), legend: HEAD }],
    },
    {
      title: 'Heads by whether they speak',
      description: 'Of the bundle in each slot. All silenced: it was trained, and found nothing that it could promise.',
      unit: 'short',
      min: 0,
      queries: [
        { expr: `max by (slot, lane, state) (${of('tributary_inference_bundle_heads')})`, legend: '{{slot}} {{lane}} {{state}}' },
      ],
    },
    {
      title: 'Live accuracy less what training promised',
      description:
        'All decisions on moves. Below 0 for long, with thousands of decisions: the market has changed, or training sees the future.',
      unit: 'percentunit',
      queries: [
        {
          expr: `max by (slot, venue, instrument, horizon) (${of('tributary_evaluation_slot_accuracy_ratio')}) - max by (slot, venue, instrument, horizon) (${of('tributary_inference_bundle_accuracy_ratio')})`,
          legend: HEAD,
        },
      ],
    },
  ],
};
