/** What each other venue says: one set of columns per venue and quote currency. */
import { EVERY_LEG } from '../leg-block.ts';
import { type FastBlock, type FastFeature } from './declaration.ts';
import { durationName, MEAN_WINDOWS } from './own-block.ts';
import { deviationFromMean, flowOver, isHeard, returnOver } from './windows.ts';

const PLACES = new Map(EVERY_LEG.map(({ venue, quote }, place) => [`${venue}:${quote}`, place]));
export const LEG_WINDOWS = [500, 1_000, 2_000, 5_000] as const;

/** Variant of the leg columns that an instrument writes; -1 = none. */
export function legOf(venue: string, quote: string): number {
  return PLACES.get(`${venue}:${quote}`) ?? -1;
}

function feature(name: string, unit: string, formula: string): FastFeature {
  return { name, unit, formula, inputs: ['quotes', 'trades'], warmup: 120 };
}

export const legFastBlock: FastBlock = {
  features: [
    ...LEG_WINDOWS.map((window) =>
      feature(
        `fast_leg_ret_${durationName(window)}`,
        'sd',
        `log return of the leg over ${durationName(window)} / scale of the target`,
      ),
    ),
    ...MEAN_WINDOWS.map((window) =>
      feature(
        `fast_leg_gap_${window}`,
        'sd',
        `basis of the leg to the target (ln / ln, each in its own currency) less its mean over ${window} / scale of the target`,
      ),
    ),
    feature('fast_leg_since', 'sd', "log return of the leg since the target's newest change / scale of the target"),
    feature('fast_leg_age', 's', 'seconds since the newest update of the leg'),
    feature('fast_leg_flow_5s', '-1..1', '(buys - sells) / trades of the leg within 5 s'),
  ],
  variants: EVERY_LEG.map(({ variant }) => variant),
  write(view, out, at) {
    const { now, clock, asset, target, scale } = view;
    const width = this.features.length;
    for (const leg of asset.instruments) {
      if (leg.leg < 0 || leg === target || !isHeard(leg, now, clock)) continue;
      let place = at + leg.leg * width;
      for (const window of LEG_WINDOWS) out[place++] = returnOver(leg, window) / scale;
      for (let i = 0; i < MEAN_WINDOWS.length; i++)
        out[place++] = (deviationFromMean(leg, i) - deviationFromMean(target, i)) / scale;
      out[place++] = (leg.log - (target.marks[leg.place] ?? NaN)) / scale;
      out[place++] = (now - leg.updatedAt) / 1000;
      out[place] = flowOver(leg, 0);
    }
  },
};
