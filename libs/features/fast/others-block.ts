/** What the other venues say together: plain means over those that were heard of, so a venue without columns of its own counts too. */
import { type FastBlock, type FastFeature } from './declaration.ts';
import { LEG_WINDOWS } from './leg-block.ts';
import { durationName, MEAN_WINDOWS } from './own-block.ts';
import { deviationFromMean, flowOver, isHeard, returnOver } from './windows.ts';

function feature(name: string, unit: string, formula: string): FastFeature {
  return { name, unit, formula, inputs: ['quotes', 'trades'], warmup: 120 };
}

export const othersFastBlock: FastBlock = {
  features: [
    ...LEG_WINDOWS.map((window) =>
      feature(
        `fast_others_ret_${durationName(window)}`,
        'sd',
        `mean over the other instruments of the log return over ${durationName(window)} / scale of the target`,
      ),
    ),
    ...MEAN_WINDOWS.map((window) =>
      feature(`fast_others_gap_${window}`, 'sd', `mean over the other instruments of fast_leg_gap_${window}`),
    ),
    feature('fast_others_since', 'sd', 'mean over the other instruments of fast_leg_since'),
    feature('fast_others_flow_5s', '-1..1', 'mean over the other instruments of fast_leg_flow_5s'),
    feature('fast_others_flow_30s', '-1..1', 'the same within 30 s'),
    feature('fast_others', 'count', 'other instruments that were heard of within 10 s'),
  ],
  write({ now, clock, asset, target, scale }, out, at) {
    const width = this.features.length;
    const gaps = at + LEG_WINDOWS.length;
    const rest = gaps + MEAN_WINDOWS.length;
    out.fill(0, at, at + width);
    let count = 0;
    for (const other of asset.instruments) {
      // Until its windows are filled it would make all of the means missing.
      if (other === target || other.logs[1]!.count < 20 || !isHeard(other, now, clock)) continue;
      count++;
      for (let i = 0; i < LEG_WINDOWS.length; i++) out[at + i]! += returnOver(other, LEG_WINDOWS[i]!) / scale;
      for (let i = 0; i < MEAN_WINDOWS.length; i++)
        out[gaps + i]! += (deviationFromMean(other, i) - deviationFromMean(target, i)) / scale;
      const mark = target.marks[other.place] ?? NaN;
      out[rest]! += mark === mark ? (other.log - mark) / scale : 0;
      out[rest + 1]! += flowOver(other, 0);
      out[rest + 2]! += flowOver(other, 1);
    }
    for (let i = at; i < at + width - 1; i++) out[i] = count === 0 ? NaN : out[i]! / count;
    out[at + width - 1] = count;
  },
};
