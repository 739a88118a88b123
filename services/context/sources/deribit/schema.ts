/** Answers of Deribit's public API: JSON-RPC, an error in place of the result. */
import { z } from 'zod';
import { optionalNumber } from '../answer-fields.ts';

/** `usOut`: when the answer left, microseconds. */
function answer<T extends z.ZodType>(result: T) {
  return z.object({
    result: result.optional(),
    usOut: z.number().optional(),
    error: z.object({ code: z.number(), message: z.string() }).optional(),
  });
}

/** Options in base units, inverse futures in US dollars. */
const Summary = z.object({
  instrument_name: z.string(),
  creation_timestamp: z.number(),
  open_interest: z.number(),
  mark_price: optionalNumber,
  /** Percent; options only. Absent in answers of 2024 and before. */
  mark_iv: optionalNumber,
  underlying_price: optionalNumber,
  estimated_delivery_price: optionalNumber,
  /** Perpetuals only. */
  funding_8h: optionalNumber,
});
export const Summaries = answer(z.array(Summary));
export type Summary = z.infer<typeof Summary>;

export const Volumes = answer(z.array(z.object({ currency: z.string(), puts_volume: z.number(), calls_volume: z.number() })));
export type Volumes = z.infer<typeof Volumes>;

/** Start of the candle, open, high, low, close in percent; `continuation`: the end of the page before. */
export const VolatilityIndex = answer(
  z.object({
    data: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
    continuation: optionalNumber,
  }),
);
export type VolatilityIndex = z.infer<typeof VolatilityIndex>;

/** `interest_1h`: what was paid in the hour that ends at `timestamp`. */
export const FundingHistory = answer(z.array(z.object({ timestamp: z.number(), interest_1h: z.number() })));
export type FundingHistory = z.infer<typeof FundingHistory>;
