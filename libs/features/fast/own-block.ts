/** What the target says of itself. */
import { type FastBlock, type FastFeature } from './declaration.ts';
import { deviation } from '../rolling.ts';
import { SLOT_MS, SLOTS } from './state.ts';
import { deviationFromMean, flowOver, returnOver } from './windows.ts';

export const OWN_WINDOWS = [250, 500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;
export const MEAN_WINDOWS = ['5s', '30s', '2m'] as const;

export function durationName(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds}ms` : `${milliseconds / 1000}s`;
}

function feature(name: string, unit: string, formula: string, inputs: FastFeature['inputs'], warmup: number): FastFeature {
  return { name, unit, formula, inputs, warmup };
}

const TWO_MINUTES = (SLOTS[2] * SLOT_MS) / 1000;
/** A feed is late by no more than this, seconds. */
const MOST_SECONDS = 60;

export const ownFastBlock: FastBlock = {
  features: [
    ...OWN_WINDOWS.map((window) =>
      feature(
        `fast_ret_${durationName(window)}`,
        'sd',
        `log return of the mid over ${durationName(window)} (and up to 250 ms more) / scale, the sd of the return over 1 s within two minutes + 1e-6`,
        ['quotes'],
        TWO_MINUTES,
      ),
    ),
    ...MEAN_WINDOWS.map((window) =>
      feature(`fast_dev_${window}`, 'sd', `(ln mid - its mean over ${window}) / scale`, ['quotes'], TWO_MINUTES),
    ),
    feature('fast_jump', 'sd', 'newest change of ln mid / scale', ['quotes'], TWO_MINUTES),
    feature('fast_jump_age', 'ln', 'ln(1 + seconds since the newest change of the mid), at most a minute', ['quotes'], 0),
    feature('fast_age', 's', 'seconds since the newest update of any kind', ['quotes', 'trades'], 0),
    feature('fast_spread_sd', 'ln', 'ln((ask - bid) / mid / scale)', ['quotes'], TWO_MINUTES),
    feature('fast_scale', 'ln', 'ln scale', ['quotes'], TWO_MINUTES),
    feature('fast_vol_ratio', 'ln', 'ln(sd of the mid over 5 s / its sd over 2 min), both + 1e-6', ['quotes'], TWO_MINUTES),
    feature('fast_updates_5s', 'ln', 'ln(1 + updates within 5 s)', ['quotes', 'trades'], 5),
    feature('fast_updates_30s', 'ln', 'ln(1 + updates within 30 s)', ['quotes', 'trades'], 30),
    feature('fast_microprice', '-1..1', '(microprice - mid) / half spread = size imbalance of the best quote', ['quotes'], 0),
    feature('fast_trade_place', '-3..3', '(last trade - mid) / half spread', ['quotes', 'trades'], 0),
    feature('fast_flow_5s', '-1..1', '(buys - sells) / trades within 5 s, by aggressor, else by the quote', ['trades'], 5),
    feature('fast_flow_30s', '-1..1', 'the same within 30 s', ['trades'], 30),
    feature(
      'fast_flow_value_30s',
      '-1..1',
      'the same by traded value within 30 s; missing where sizes are not given',
      ['trades'],
      30,
    ),
  ],
  write({ now, target, scale }, out, at) {
    let place = at;
    for (const window of OWN_WINDOWS) out[place++] = returnOver(target, window) / scale;
    for (let i = 0; i < SLOTS.length; i++) out[place++] = deviationFromMean(target, i) / scale;
    const { bid, ask, bidSize, askSize, logs, updates, forming, tradePrice, values, signedValues } = target;
    const mid = (bid + ask) / 2;
    out[place++] = target.jump / scale;
    out[place++] = Math.log1p(Math.min((now - target.jumpedAt) / 1000, MOST_SECONDS));
    out[place++] = (now - target.updatedAt) / 1000;
    out[place++] = Math.log((ask - bid) / mid / scale);
    out[place++] = Math.log(scale);
    out[place++] = Math.log((deviation(logs[0]!) + 1e-6) / (deviation(logs[2]!) + 1e-6));
    out[place++] = Math.log1p(updates[0]!.sum + forming.updates);
    out[place++] = Math.log1p(updates[1]!.sum + forming.updates);
    out[place++] = bidSize + askSize > 0 ? (bidSize - askSize) / (bidSize + askSize) : NaN;
    out[place++] = tradePrice > 0 ? Math.max(-3, Math.min(3, (2 * (tradePrice - mid)) / (ask - bid))) : NaN;
    out[place++] = flowOver(target, 0);
    out[place++] = flowOver(target, 1);
    const value = values.sum + forming.value;
    out[place] = value > 0 ? (signedValues.sum + forming.signedValue) / value : NaN;
  },
};
