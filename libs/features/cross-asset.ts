/** What Bitcoin and Ether do, for every asset; from reference events only, so that it is the same in every partition. */
import { type MinuteBlock } from './declaration.ts';
import { isFresh, preferred, type ReferenceBook } from './references.ts';
import { createPair, pushPair, type RollingPair, slope } from './rolling.ts';
import { returnOverSeconds } from './seconds.ts';
import { returnOver, type Trail } from './trail.ts';

const SOURCES = ['coinbase', 'kraken', 'binanceus', 'cryptocom', 'bitstamp', 'gemini'];
const BTC_MINUTES = [1, 5, 60] as const;
const ETH_MINUTES = [1, 60] as const;
const inputs = ['references'] as const;

function label(minutes: number): string {
  return minutes === 60 ? '1h' : `${minutes}m`;
}

function trailOf(references: ReferenceBook, series: string, t: number): Trail | undefined {
  const entry = preferred(references, SOURCES, series, t);
  return entry !== undefined && isFresh(entry, t) ? entry.trail : undefined;
}

export const referenceReturnBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'X',
  scope: 'asset',
  features: [
    ...BTC_MINUTES.map((minutes) => ({ coin: 'btc', minutes })),
    ...ETH_MINUTES.map((minutes) => ({ coin: 'eth', minutes })),
  ].map(({ coin, minutes }) => ({
    name: `${coin}_ret_${label(minutes)}`,
    unit: 'log return',
    formula: `log return of the ${coin.toUpperCase()}-USD reference over ${label(minutes)}`,
    inputs,
    warmup: minutes + 1,
  })),
  create: () => null,
  write: (_state, { references, t }, out, at) => {
    const btc = trailOf(references, 'BTC-USD', t);
    const eth = trailOf(references, 'ETH-USD', t);
    for (const minutes of BTC_MINUTES) out[at++] = btc === undefined ? NaN : returnOver(btc, minutes);
    for (const minutes of ETH_MINUTES) out[at++] = eth === undefined ? NaN : returnOver(eth, minutes);
  },
};

const BTC_SECONDS = [1, 10] as const;

export const referenceSecondBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'X',
  scope: 'asset',
  features: BTC_SECONDS.map((seconds) => ({
    name: `btc_ret_${seconds}s`,
    unit: 'log return',
    formula: `log return of the BTC-USD reference over ${seconds} s, as known: references take effect two seconds late; missing where they come by the minute`,
    inputs,
    warmup: 2,
  })),
  create: () => null,
  write: (_state, { references, coinSeconds, t }, out, at) => {
    const entry = preferred(references, SOURCES, 'BTC-USD', t);
    if (entry === undefined || !isFresh(entry, t)) return;
    const seconds = coinSeconds.get(`${entry.source}:${entry.series}`);
    if (seconds === undefined) return;
    for (let i = 0; i < BTC_SECONDS.length; i++) out[at + i] = returnOverSeconds(seconds, BTC_SECONDS[i]!);
  },
};

const BETA_MINUTES = 1440;
/** A beta needs most of its day. */
const BETA_LEAST = 720;

export const betaBlock: MinuteBlock<RollingPair> = {
  kind: 'minute',
  category: 'X',
  scope: 'instrument',
  features: [
    {
      name: 'beta_to_btc_1d',
      unit: 'ratio',
      formula: 'least-squares slope of own one-minute log returns on those of the BTC-USD reference, 1440 minutes, at least 720',
      inputs: ['bars', 'references'],
      warmup: BETA_MINUTES + 1,
    },
    {
      name: 'btc_residual_ret_1m',
      unit: 'log return',
      formula: 'own one-minute log return - beta_to_btc_1d x that of the reference',
      inputs: ['bars', 'references'],
      warmup: BETA_MINUTES + 1,
    },
    {
      name: 'btc_residual_ret_1h',
      unit: 'log return',
      formula: 'own log return over 60 min - beta_to_btc_1d x that of the reference',
      inputs: ['bars', 'references'],
      warmup: BETA_MINUTES + 1,
    },
  ],
  create: () => createPair(BETA_MINUTES),
  write: (window, { references, instrument, t }, out, at) => {
    const btc = trailOf(references, 'BTC-USD', t);
    if (btc === undefined || !instrument.leg.isRecent) return;
    const own = returnOver(instrument.leg.trail, 1);
    const other = returnOver(btc, 1);
    if (Number.isNaN(own) || Number.isNaN(other)) return;
    pushPair(window, other, own);
    const beta = slope(window, BETA_LEAST);
    out[at] = beta;
    out[at + 1] = own - beta * other;
    out[at + 2] = returnOver(instrument.leg.trail, 60) - beta * returnOver(btc, 60);
  },
};
