/** What a list of options says of volatility: at the money and skew seven days out, by Black (1976) on the forward. Pure. */

export interface OptionRow {
  /** Milliseconds. */
  readonly expiry: number;
  readonly strike: number;
  readonly isPut: boolean;
  readonly forward: number;
  /** In units of the forward's base, as inverse options are quoted: premium / forward. */
  readonly price: number;
  /** Fraction per year; undefined = the answer has none, it is made from the price. */
  readonly volatility: number | undefined;
  readonly openInterest: number;
}

export interface Surface {
  /** Fractions per year. */
  readonly atm: number;
  /** Put of delta -0.25 less call of delta 0.25. */
  readonly skew: number;
}

const DAY = 86_400_000;
const YEAR = 365 * DAY;
const WANTED = 7 * DAY;
/** Nearer ones are all gamma; one that ends further away says nothing of seven days. */
const NEAREST = 2 * DAY;
const FARTHEST = 45 * DAY;

/** `INSTRUMENT-8JUN20-8750-P`: expiry at 08:00 UTC, strike with `d` for the point; undefined = no option's name. */
export function parseOption(
  name: string,
): { readonly expiry: number; readonly strike: number; readonly isPut: boolean } | undefined {
  const match = /^[A-Z_]+-(\d{1,2}[A-Z]{3}\d\d)-(\d+(?:d\d+)?)-([CP])$/.exec(name);
  const expiry = match === null ? NaN : parseExpiry(match[1]!);
  if (match === null || Number.isNaN(expiry)) return undefined;
  return { expiry, strike: Number(match[2]!.replace('d', '.')), isPut: match[3] === 'P' };
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** `8JUN20`, 08:00 UTC; NaN = no date. */
export function parseExpiry(text: string): number {
  const match = /^(\d{1,2})([A-Z]{3})(\d\d)$/.exec(text);
  const month = match === null ? -1 : MONTHS.indexOf(match[2]!);
  return match === null || month < 0 ? NaN : Date.UTC(2000 + Number(match[3]), month, Number(match[1]), 8);
}

/** Seven days out, total variance linear in time between the two expiries around, else the nearest; undefined = too few options. */
export function surfaceAt(rows: readonly OptionRow[], now: number): Surface | undefined {
  const smiles = [...byExpiry(rows, now)]
    .map(([expiry, options]) => ({ left: expiry - now, smile: smileOf(options, (expiry - now) / YEAR) }))
    .flatMap(({ left, smile }) => (smile === undefined ? [] : [{ left, smile }]))
    .sort((a, b) => a.left - b.left);
  const after = smiles.find(({ left }) => left >= WANTED);
  const before = smiles.findLast(({ left }) => left < WANTED);
  if (before === undefined || after === undefined) {
    const only = (before ?? after)?.smile;
    return only === undefined ? undefined : { atm: only.atm, skew: only.put - only.call };
  }
  const share = (WANTED - before.left) / (after.left - before.left);
  const between = (key: keyof Smile): number => {
    const variance = (1 - share) * before.smile[key] ** 2 * before.left + share * after.smile[key] ** 2 * after.left;
    return Math.sqrt(variance / WANTED);
  };
  return { atm: between('atm'), skew: between('put') - between('call') };
}

/** Puts over calls of the open interest; undefined = no calls are open. */
export function putCallRatio(rows: readonly Pick<OptionRow, 'isPut' | 'openInterest'>[]): number | undefined {
  let puts = 0;
  let calls = 0;
  for (const { isPut, openInterest } of rows) {
    if (isPut) puts += openInterest;
    else calls += openInterest;
  }
  return calls > 0 ? puts / calls : undefined;
}

interface Smile {
  readonly atm: number;
  readonly put: number;
  readonly call: number;
}

function byExpiry(rows: readonly OptionRow[], now: number): ReadonlyMap<number, readonly OptionRow[]> {
  const groups = new Map<number, OptionRow[]>();
  for (const row of rows) {
    const left = row.expiry - now;
    if (left < NEAREST || left > FARTHEST || row.openInterest <= 0) continue;
    const group = groups.get(row.expiry) ?? [];
    group.push(row);
    groups.set(row.expiry, group);
  }
  return groups;
}

/** From options out of the money: volatility at the forward by strike, at a quarter delta by delta. */
function smileOf(options: readonly OptionRow[], years: number): Smile | undefined {
  const points = options
    .filter(({ isPut, strike, forward }) => (isPut ? strike <= forward : strike > forward))
    .map(({ isPut, strike, forward, price, volatility }) => {
      const moneyness = Math.log(strike / forward);
      const sigma = volatility ?? impliedVolatility(price, moneyness, years, isPut);
      return { isPut, moneyness, sigma, delta: callDelta(moneyness, sigma, years) };
    })
    .filter(({ sigma }) => sigma > 0.01 && sigma < 5)
    .sort((a, b) => a.moneyness - b.moneyness);
  const at = (key: 'moneyness' | 'delta', wanted: number): number =>
    interpolate(
      points.map((point) => ({ x: point[key], y: point.sigma })),
      wanted,
    );
  // A put of delta -0.25 has the strike of the call of delta 0.75.
  const smile = { atm: at('moneyness', 0), put: at('delta', 0.75), call: at('delta', 0.25) };
  return Object.values(smile).every((sigma) => sigma > 0) ? smile : undefined;
}

/** Between the two neighbours of `wanted`; NaN outside the points. */
function interpolate(points: readonly { readonly x: number; readonly y: number }[], wanted: number): number {
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b] = [points[i]!, points[i + 1]!];
    if ((a.x - wanted) * (b.x - wanted) > 0) continue;
    return a.x === b.x ? a.y : a.y + ((b.y - a.y) * (wanted - a.x)) / (b.x - a.x);
  }
  return NaN;
}

function callDelta(moneyness: number, sigma: number, years: number): number {
  const width = sigma * Math.sqrt(years);
  return normal(-moneyness / width + width / 2);
}

/** Black's price over the forward, undiscounted. */
export function blackPrice(moneyness: number, sigma: number, years: number, isPut: boolean): number {
  const width = sigma * Math.sqrt(years);
  const upper = -moneyness / width + width / 2;
  const call = normal(upper) - Math.exp(moneyness) * normal(upper - width);
  return isPut ? call - 1 + Math.exp(moneyness) : call;
}

/** The volatility that gives the price, by halving; NaN = none between 1 and 500 % does. */
export function impliedVolatility(price: number, moneyness: number, years: number, isPut: boolean): number {
  let low = 0.01;
  let high = 5;
  if (!(price > blackPrice(moneyness, low, years, isPut) && price < blackPrice(moneyness, high, years, isPut))) return NaN;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (blackPrice(moneyness, middle, years, isPut) < price) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Cumulative normal distribution to 7.5e-8: Abramowitz and Stegun 26.2.17. */
function normal(x: number): number {
  const k = 1 / (1 + 0.2316419 * Math.abs(x));
  const series = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return x >= 0 ? 1 - tail : tail;
}
