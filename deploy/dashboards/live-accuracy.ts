/** Whether the signals are right, and sure of it for a reason. */
import { type DashboardSpec, of, quantile, rate } from './panel.ts';

/** The accuracy that a signal has to keep; the rule AccuracyBelowFloor uses the same. */
export const FLOOR = 0.68;
const HEAD = '{{venue}} {{instrument}} {{horizon}}';

export const liveAccuracy: DashboardSpec = {
  uid: 'tributary-live-accuracy',
  title: 'Live accuracy',
  description: 'Settled decisions: accuracy at coverage beside what needs no model, calibration, and how often nothing is said.',
  panels: [
    {
      title: 'Emitted signals that were right',
      description: `Share of emitted signals whose direction came true, flats counted as misses, since the log begins. The floor is ${FLOOR}. No line: a head has emitted nothing yet.`,
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [
        { expr: of('tributary_evaluation_accuracy_ratio'), legend: HEAD },
        { expr: `vector(${FLOOR})`, legend: 'floor' },
      ],
    },
    {
      title: 'Wilson 95 % interval of the accuracy',
      description:
        'Wide = few signals. The whole band below the floor is what the alert AccuracyBelowFloor waits for: that is not bad luck.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [
        { expr: of('tributary_evaluation_accuracy_low_ratio'), legend: `${HEAD} low` },
        { expr: of('tributary_evaluation_accuracy_high_ratio'), legend: `${HEAD} high` },
      ],
    },
    {
      title: 'All decisions against the majority',
      description:
        'Right side of moves at full coverage, and what always naming the more frequent direction would get. A model that is not above has no edge.',
      unit: 'percentunit',
      min: 0.3,
      max: 1,
      queries: [
        { expr: of('tributary_evaluation_accuracy_full_coverage_ratio'), legend: `${HEAD} model` },
        { expr: of('tributary_evaluation_majority_ratio'), legend: `${HEAD} majority` },
      ],
    },
    {
      title: 'What decides beside its shadows, by slot',
      description:
        'Right side of moves of the bundle that each slot holds, published or in shadow. A challenger above the champion for days is promoted; on the same prices: `tributary models show`.',
      unit: 'percentunit',
      min: 0.3,
      max: 1,
      queries: [{ expr: of('tributary_evaluation_slot_accuracy_ratio'), legend: `{{slot}} ${HEAD}` }],
    },
    {
      title: 'Coverage',
      description: 'Share of the decisions that spoke. Accuracy without it says little.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [{ expr: of('tributary_evaluation_coverage_ratio'), legend: HEAD }],
    },
    {
      title: 'Calibration: accuracy by confidence',
      description:
        'Decisions on the right side by the lower end of their confidence. Calibrated: each line lies at or above its name.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [
        { expr: `avg by (confidence) (${of('tributary_evaluation_bucket_accuracy_ratio')})`, legend: 'from {{confidence}}' },
      ],
    },
    {
      title: 'Drift: distance from the training data, p50 and p90',
      description:
        'Of the vectors that were decided on, in units of the distance that 99.5 % of the training data stay within. Above 1 nothing is said; the runbook of DataDrifted says what to do.',
      unit: 'short',
      min: 0,
      queries: [
        { expr: quantile(0.5, 'tributary_inference_unfamiliarity_ratio', ['lane']), legend: '{{lane}} p50' },
        { expr: quantile(0.9, 'tributary_inference_unfamiliarity_ratio', ['lane']), legend: '{{lane}} p90' },
      ],
    },
    {
      title: 'Decisions whose price did not move',
      description: 'Flats, which count as misses of an emitted signal. A jump often is a feed that stands still.',
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [{ expr: of('tributary_evaluation_flat_ratio'), legend: HEAD }],
    },
    {
      title: 'Outcomes by status',
      description: 'Settled decisions a second. Void: there was no price to settle with.',
      unit: 'ops',
      queries: [{ expr: `sum by (status) (${rate('tributary_evaluation_outcomes_total')})`, legend: '{{status}}' }],
    },
    {
      title: 'Why nothing was said',
      description:
        'Abstentions a second by reason. below_threshold and silenced are normal; quality, stale, feature_missing or no_model for long is not.',
      unit: 'ops',
      queries: [
        { expr: `sum by (lane, reason) (${rate('tributary_inference_abstentions_total')})`, legend: '{{lane}} {{reason}}' },
      ],
    },
  ],
};
