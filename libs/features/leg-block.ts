/** Columns of the legs: one set per venue and quote currency of the asset, one per conversion rate. */
import { type Feature, type MinuteBlock } from './declaration.ts';
import { closeLocation, isDollar, SPREAD_MINUTES, spreadFromMean } from './legs.ts';
import { isFresh } from './references.ts';
import { type InstrumentState } from './state.ts';
import { latest, momentum, returnOver } from './trail.ts';
import { type View } from './view.ts';

/** Fixed, so that columns never depend on what was subscribed; a leg that is not there is missing. */
export const LEGS = [
  { variant: 'coinbase_usd', venue: 'coinbase', quote: 'USD' },
  { variant: 'coinbase_usdt', venue: 'coinbase', quote: 'USDT' },
  { variant: 'coinbase_eur', venue: 'coinbase', quote: 'EUR' },
  { variant: 'kraken_usd', venue: 'kraken', quote: 'USD' },
  { variant: 'kraken_usdt', venue: 'kraken', quote: 'USDT' },
  { variant: 'kraken_usdc', venue: 'kraken', quote: 'USDC' },
  { variant: 'kraken_eur', venue: 'kraken', quote: 'EUR' },
  { variant: 'binanceus_usd', venue: 'binanceus', quote: 'USD' },
  { variant: 'binanceus_usdt', venue: 'binanceus', quote: 'USDT' },
  { variant: 'binanceus_usdc', venue: 'binanceus', quote: 'USDC' },
  { variant: 'cryptocom_usd', venue: 'cryptocom', quote: 'USD' },
  { variant: 'cryptocom_usdt', venue: 'cryptocom', quote: 'USDT' },
] as const;

/** Legs of venues that are opt-in: a few columns each, for every column of every leg is stored and scored each minute. */
export const FURTHER_LEGS = [
  { variant: 'binance_usdt', venue: 'binance', quote: 'USDT' },
  { variant: 'binance_usdc', venue: 'binance', quote: 'USDC' },
  { variant: 'okx_usdt', venue: 'okx', quote: 'USDT' },
  { variant: 'okx_usdc', venue: 'okx', quote: 'USDC' },
  { variant: 'bybit_usdt', venue: 'bybit', quote: 'USDT' },
  { variant: 'bybit_usdc', venue: 'bybit', quote: 'USDC' },
  { variant: 'bitstamp_usd', venue: 'bitstamp', quote: 'USD' },
  { variant: 'bitstamp_eur', venue: 'bitstamp', quote: 'EUR' },
  { variant: 'gemini_usd', venue: 'gemini', quote: 'USD' },
] as const;

export const EVERY_LEG = [...LEGS, ...FURTHER_LEGS];
const FURTHER_VARIANTS = new Set<string>(FURTHER_LEGS.map(({ variant }) => variant));
const FURTHER_FEATURES = ['leg_ret', 'leg_mom_10', 'spread', 'spread_z_1h'];

/** Which features of a block over legs a leg has. */
export function hasFeature(variant: string, { name }: Feature): boolean {
  return !FURTHER_VARIANTS.has(variant) || FURTHER_FEATURES.includes(name);
}

/** The instrument of EVERY_LEG[index]; undefined = not seen. */
export function legOf({ asset }: View, index: number): InstrumentState | undefined {
  const { venue, quote } = EVERY_LEG[index]!;
  return asset.venues.get(venue)?.get(`${asset.asset}-${quote}`);
}

export const EURO_NOTE = '; of euro legs version 2: converted at the live rate';
/** Since version 2 euro legs are converted; the others never changed. */
export const EURO_VERSIONS = Object.fromEntries(
  EVERY_LEG.filter(({ quote }) => quote === 'EUR').map(({ variant }) => [variant, 2]),
);

const RATES = [
  { variant: 'coinbase_usdt_usd', key: 'coinbase:USDT-USD' },
  { variant: 'kraken_usdt_usd', key: 'kraken:USDT-USD' },
  { variant: 'kraken_usdc_usd', key: 'kraken:USDC-USD' },
  { variant: 'binanceus_usdc_usdt', key: 'binanceus:USDC-USDT' },
] as const;

const MOMENTUM_MINUTES = [3, 10, 30, 120, 360] as const;
const SCALE_WARMUP = 121;
const inputs = ['bars', 'references'] as const;

/** Declarations of what a leg says of itself; `prefix` is `leg` or `own`. */
function movementFeatures(prefix: string): readonly Feature[] {
  return [
    {
      name: `${prefix}_ret`,
      unit: 'sd',
      formula: 'one-minute log return in the quote currency / scale, the sd of 120 of them + 1e-6',
      inputs: ['bars'],
      warmup: SCALE_WARMUP,
    },
    ...MOMENTUM_MINUTES.map((width) => ({
      name: `${prefix}_mom_${width}`,
      unit: 'sd',
      formula: `log return over ${width} min / (scale sqrt(${width}))`,
      inputs,
      warmup: Math.max(SCALE_WARMUP, width + 1),
    })),
    {
      name: `${prefix}_clv`,
      unit: '-1..1',
      formula: '(2 close - high - low) / (high - low), 0 if flat',
      inputs: ['bars'],
      warmup: 1,
    },
    { name: `${prefix}_range`, unit: 'sd', formula: 'ln(high / low) / scale', inputs, warmup: SCALE_WARMUP },
    { name: `${prefix}_upper_wick`, unit: 'sd', formula: 'ln(high / close) / scale', inputs, warmup: SCALE_WARMUP },
    { name: `${prefix}_lower_wick`, unit: 'sd', formula: 'ln(close / low) / scale', inputs, warmup: SCALE_WARMUP },
    {
      name: `${prefix}_vol_z`,
      unit: 'z',
      formula: 'ln(1 + traded value / 25) less its mean, over its sd + 0.001, 120 min',
      inputs: ['bars'],
      warmup: 120,
    },
    { name: `${prefix}_signed_vol`, unit: 'z', formula: 'sign(close - open) vol_z', inputs: ['bars'], warmup: 120 },
    { name: `${prefix}_stale`, unit: 'min', formula: 'minutes since the last trade, at most 30', inputs: ['bars'], warmup: 31 },
  ];
}

function spreadLevel(prefix: string): Feature {
  return {
    name: `${prefix}_spread`,
    unit: 'sd',
    formula: "ln(price / mean dollar price of all live legs) / the lead's scale",
    inputs,
    warmup: SCALE_WARMUP,
  };
}

function spreadFeatures(prefix: string): readonly Feature[] {
  return SPREAD_MINUTES.map((width) => ({
    name: `${prefix}_spread_dev_${width}`,
    unit: 'sd',
    formula: `ln(price / mean dollar price of all live legs) less its mean over ${width} min, over the lead's scale${prefix === 'leg' ? EURO_NOTE : ''}`,
    ...(prefix === 'leg' && { variantVersions: EURO_VERSIONS }),
    inputs,
    warmup: Math.max(SCALE_WARMUP, width),
  }));
}

export const legBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'asset',
  features: [...movementFeatures('leg'), ...spreadFeatures('leg')],
  variants: EVERY_LEG.map(({ variant }) => variant),
  has: hasFeature,
  create: () => null,
  write: (_state, view, out, at) => {
    for (const { venue, quote } of LEGS) {
      const instrument = view.asset.venues.get(venue)?.get(`${view.asset.asset}-${quote}`);
      if (instrument !== undefined && !instrument.feed.isMasked) writeLeg(instrument, view, out, at);
      at += legBlock.features.length;
    }
    for (const { venue, quote } of FURTHER_LEGS) {
      const leg = view.asset.venues.get(venue)?.get(`${view.asset.asset}-${quote}`)?.leg;
      if (leg?.isRecent === true) {
        out[at] = returnOver(leg.trail, 1) / leg.trail.scale;
        out[at + 1] = momentum(leg.trail, 10);
      }
      at += 2;
    }
  },
};

export const DOLLAR_LEGS = LEGS.filter(({ quote }) => isDollar(quote));

export const legSpreadBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'asset',
  features: [spreadLevel('leg')],
  variants: DOLLAR_LEGS.map(({ variant }) => variant),
  create: () => null,
  write: (_state, view, out, at) => {
    DOLLAR_LEGS.forEach(({ venue, quote }, index) => {
      const instrument = view.asset.venues.get(venue)?.get(`${view.asset.asset}-${quote}`);
      if (instrument !== undefined) out[at + index] = levelOf(instrument, view);
    });
  },
};

/** The same of the instrument the vector belongs to, so that one model can learn from all venues. */
export const ownBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [...movementFeatures('own'), ...spreadFeatures('own'), spreadLevel('own')],
  create: () => null,
  write: (_state, view, out, at) => {
    writeLeg(view.instrument, view, out, at);
    out[at + ownBlock.features.length - 1] = levelOf(view.instrument, view);
  },
};

export const scaleBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'asset',
  features: [
    {
      name: 'lead_scale',
      unit: 'bps',
      formula: 'sd of 120 one-minute log returns of the first live dollar leg, x 1e4',
      inputs,
      warmup: SCALE_WARMUP,
    },
  ],
  create: () => null,
  write: (_state, { asset }, out, at) => {
    out[at] = asset.lead === undefined ? NaN : asset.lead.leg.trail.scale * 1e4;
  },
};

export const rateBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'asset',
  features: [
    { name: 'rate_ret', unit: 'sd', formula: 'one-minute log return / scale', inputs: ['references'], warmup: SCALE_WARMUP },
    ...MOMENTUM_MINUTES.map((width) => ({
      name: `rate_mom_${width}`,
      unit: 'sd',
      formula: `log return over ${width} min / (scale sqrt(${width}))`,
      inputs: ['references' as const],
      warmup: Math.max(SCALE_WARMUP, width + 1),
    })),
    { name: 'rate_peg_bps', unit: 'bps', formula: 'ln(rate) x 1e4', inputs: ['references'], warmup: 1 },
    { name: 'rate_stale', unit: 'min', formula: 'age of the rate, at most 30', inputs: ['references'], warmup: 1 },
  ],
  variants: RATES.map(({ variant }) => variant),
  create: () => null,
  write: (_state, { t, references }, out, at) => {
    for (const { key } of RATES) {
      const series = references.get(key);
      if (series !== undefined) {
        const isRecent = isFresh(series, t);
        const { trail } = series;
        out[at] = isRecent ? returnOver(trail, 1) / trail.scale : NaN;
        for (let i = 0; i < MOMENTUM_MINUTES.length; i++)
          out[at + 1 + i] = isRecent ? momentum(trail, MOMENTUM_MINUTES[i]!) : NaN;
        out[at + 6] = isRecent ? latest(trail) * 1e4 : NaN;
        out[at + 7] = Math.min((t - series.since) / 60_000, 30);
      }
      at += rateBlock.features.length;
    }
  },
};

/** Movements need a recent trade, spreads a sound conversion as well; the shape of the minute and its volume neither. */
function writeLeg(instrument: InstrumentState, view: View, out: Float64Array, at: number): void {
  const { leg, minute } = instrument;
  if (Number.isNaN(minute.close)) return;
  const { trail } = leg;
  if (leg.isRecent) {
    out[at] = retOf(instrument);
    for (let i = 0; i < MOMENTUM_MINUTES.length; i++) out[at + 1 + i] = momentum(trail, MOMENTUM_MINUTES[i]!);
  }
  for (let i = 0; i < SPREAD_MINUTES.length; i++) out[at + 13 + i] = spreadDevOf(instrument, view, i);
  out[at + 6] = closeLocation(minute.high, minute.low, minute.close);
  out[at + 7] = Math.log(minute.high / minute.low) / trail.scale;
  out[at + 8] = Math.log(minute.high / minute.close) / trail.scale;
  out[at + 9] = Math.log(minute.close / minute.low) / trail.scale;
  out[at + 10] = leg.volumeZ;
  out[at + 11] = Math.sign(minute.close - minute.open) * leg.volumeZ;
  out[at + 12] = Math.min(instrument.stale, 30);
}

/** What `leg_ret` and `own_ret` say; NaN = missing. */
export function retOf({ leg: { isRecent, trail } }: InstrumentState): number {
  return isRecent ? returnOver(trail, 1) / trail.scale : NaN;
}

/** What `leg_spread_dev` and `own_spread_dev` say over SPREAD_MINUTES[index]. */
export function spreadDevOf({ leg }: InstrumentState, { asset }: View, index: number): number {
  return leg.isLive && asset.lead !== undefined ? spreadFromMean(leg, index) / asset.lead.leg.trail.scale : NaN;
}

/** What `leg_spread` and `own_spread` say. */
export function levelOf({ leg }: InstrumentState, { asset }: View): number {
  return leg.isLive && leg.conversion.isDollars && asset.lead !== undefined ? leg.spread / asset.lead.leg.trail.scale : NaN;
}
