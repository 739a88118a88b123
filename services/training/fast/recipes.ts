/** What the fast lane's ensemble is made of. Chosen by inner folds on the first 60 % of a recording of half an hour, never on what is reported. */
import { type Recipe } from '#libs/models/fit.ts';
import { type ThresholdOptions } from '#libs/models/threshold.ts';
import { DEFAULT_THRESHOLD } from '../train.ts';

/** Small trees and few: minutes of ticks hold some hundred moves. */
const BOOST = { trees: 100, learningRate: 0.05, leaves: 6, leafRows: 40, l2: 20, rowShare: 0.6, columnShare: 0.3 };

export const FAST_RECIPE: Recipe = {
  bins: 31,
  rows: 200_000,
  inputs: 300,
  members: [
    { kind: 'trees', weighted: false, boost: BOOST },
    { kind: 'trees', weighted: true, boost: BOOST },
    { kind: 'logistic', inverseL2: 0.01, tolerance: 0.05 },
  ],
};

/** What moves together over seconds has parted after a minute. */
export const FAST_BLOCK_MS = 60_000;

export const FAST_THRESHOLD: ThresholdOptions = { ...DEFAULT_THRESHOLD, blockMs: FAST_BLOCK_MS };
