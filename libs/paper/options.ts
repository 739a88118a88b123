/** What a paper account has and may do. Amounts in the quote currency; each account is one venue's instrument. */
import { z } from 'zod';

const amount = z.number().positive();

export const paperOptionsSchema = z
  .strictObject({
    capital: amount.default(100_000).describe('what an account begins with; default 100000'),
    stake: amount.default(1_000).describe('put on each signal; default 1000'),
    maxPosition: amount.default(15_000).describe('most that may be long or short; default 15000'),
    dailyLoss: amount.default(2_000).describe('loss of a UTC day at which it closes everything until the next; default 2000'),
    maxDrawdown: amount
      .default(10_000)
      .describe('loss from the highest equity at which it closes everything until trading was switched off; default 10000'),
    latencyMs: z.number().int().min(0).default(250).describe('from publication to the venue, milliseconds; default 250'),
    patienceMs: z
      .number()
      .int()
      .min(0)
      .default(5_000)
      .describe('how long an opening order waits for an event of the market, milliseconds; default 5000'),
    volume: z.number().min(0).default(0).describe('traded elsewhere in 30 days, which decides the fee’s tier; default 0'),
    trading: z.boolean().default(true).describe('false = kill switch: closes everything, opens nothing; default true'),
    exit: z
      .enum(['next', 'within'])
      .default('next')
      .describe('next: at the first event at or after the horizon’s end, as traded; within: at the last before, as judged'),
    takerFeeBps: z.number().min(0).optional().describe('default: the venue’s, by tier'),
    halfSpreadBps: z.number().min(0).optional().describe('where no quotes are known; default: the venue’s usual one'),
  })
  .refine(({ stake, maxPosition }) => stake <= maxPosition, {
    path: ['stake'],
    message: 'A stake above the largest position never opens.',
  });

export type PaperOptions = z.output<typeof paperOptionsSchema>;
