/** mempool.space's answers. */
import { z } from 'zod';
import { optionalNumber } from '../answer-fields.ts';

/** `/api/v1/mining/hashrate/{period}`: means of days from 00:00 UTC, hashes a second; times in seconds. */
export const HashRates = z.object({
  hashrates: z.array(z.object({ timestamp: z.number(), avgHashrate: optionalNumber })),
});
export type HashRates = z.infer<typeof HashRates>;

/** `/api/v1/mining/difficulty-adjustments/{period}`: time in seconds, height, difficulty, ratio to the one before. */
export const Adjustments = z.array(z.tuple([z.number(), z.number(), z.number().nullable(), z.number().nullable()]));
export type Adjustments = z.infer<typeof Adjustments>;

/** `/api/v1/difficulty-adjustment`; percent. */
export const NextAdjustment = z.object({ difficultyChange: z.number().nullable(), nextRetargetHeight: z.number() });
export type NextAdjustment = z.infer<typeof NextAdjustment>;

/** `/api/v1/fees/recommended`, satoshi a virtual byte. */
export const Fees = z.object({
  fastestFee: z.number().nullable(),
  halfHourFee: z.number().nullable(),
  economyFee: z.number().nullable(),
});
export type Fees = z.infer<typeof Fees>;

/** `/api/mempool`, virtual bytes. */
export const Mempool = z.object({ vsize: z.number().nullable() });
export type Mempool = z.infer<typeof Mempool>;
