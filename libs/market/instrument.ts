/** Instruments are named BASE-QUOTE in upper case on every venue; a venue's own names stay in its folder. */
import { TributaryError } from '../errors/errors.ts';

export interface Instrument {
  /** BASE-QUOTE. */
  readonly name: string;
  readonly base: string;
  readonly quote: string;
}

const NAME = /^([A-Z0-9]{2,12})-([A-Z0-9]{2,12})$/;

/** Throws `TRB_UNKNOWN_SYMBOL`. */
export function parseInstrument(name: string): Instrument {
  const match = NAME.exec(name);
  if (match === null) {
    throw new TributaryError('TRB_UNKNOWN_SYMBOL', `"${name}" is not a symbol.`, {
      hint: 'Write BASE-QUOTE, for instance BTC-USD.',
    });
  }
  return { name, base: match[1]!, quote: match[2]! };
}

/** Currencies worth about one US dollar that are converted by a live rate. */
export const STABLECOINS: readonly string[] = ['USDT', 'USDC'];

/** Whether the pair is a rate that converts legs (stablecoin or euro against the dollar or each other), not a traded asset. */
export function isConversionRate(instrument: Instrument): boolean {
  return STABLECOINS.includes(instrument.base) || instrument.base === 'EUR';
}
