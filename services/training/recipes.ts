/** What the baseline ensemble is made of. Chosen by inner folds on the first week of March 2023, never on what is reported. */
import { type Recipe } from '#libs/models/fit.ts';

/**
 * Each tree sees a seventh of the columns, so the two members of trees differ; the second weighs rows by the size of their move. The forecast is a
 * voter of its own: it is refitted every four hours, between trainings (docs/decisions/026).
 */
export const FULL_RECIPE: Recipe = {
  bins: 63,
  rows: 60_000,
  inputs: 160,
  mirrored: true,
  members: [
    {
      kind: 'trees',
      weighted: false,
      boost: { trees: 300, learningRate: 0.035, leaves: 15, leafRows: 150, l2: 20, rowShare: 0.6, columnShare: 0.15 },
    },
    {
      kind: 'trees',
      weighted: true,
      boost: { trees: 300, learningRate: 0.035, leaves: 15, leafRows: 150, l2: 20, rowShare: 0.6, columnShare: 0.15 },
    },
    { kind: 'logistic', inverseL2: 0.003, tolerance: 0.1 },
    { kind: 'logistic', inverseL2: 1, tolerance: 0.01, features: ['own_forecast'] },
  ],
  pooled: {
    bins: 63,
    rows: 120_000,
    inputs: 160,
    mirrored: true,
    members: [
      {
        kind: 'trees',
        weighted: false,
        boost: { trees: 400, learningRate: 0.035, leaves: 15, leafRows: 400, l2: 20, rowShare: 0.6, columnShare: 0.15 },
      },
    ],
  },
};

/** For a first model within seconds; a full one follows in the background. */
export const QUICK_RECIPE: Recipe = {
  bins: 31,
  rows: 6_000,
  inputs: 120,
  mirrored: true,
  members: [
    {
      kind: 'trees',
      weighted: true,
      boost: { trees: 80, learningRate: 0.08, leaves: 8, leafRows: 120, l2: 20, rowShare: 0.4, columnShare: 0.15 },
    },
    { kind: 'logistic', inverseL2: 0.001, tolerance: 0.2 },
  ],
};
