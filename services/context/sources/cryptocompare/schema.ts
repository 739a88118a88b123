/** CryptoCompare's answers. Errors come with status 200 too: `Response` is then `Error`. */
import { z } from 'zod';
import { numeric } from '../answer-fields.ts';

const Refusal = z.object({ Response: z.literal('Error'), Message: z.string() });
export type Refusal = z.infer<typeof Refusal>;

function orRefusal<T extends z.ZodType>(schema: T): z.ZodUnion<[typeof Refusal, T]> {
  return z.union([Refusal, schema]);
}

/** `/data/pricemultifull`; LASTUPDATE in seconds. */
const Prices = z.object({
  RAW: z.record(
    z.string(),
    z.object({ USD: z.object({ MARKET: z.string(), PRICE: z.number().nullish(), LASTUPDATE: z.number() }).optional() }),
  ),
});
export type Prices = z.infer<typeof Prices>;
export const PricesOrRefusal = orRefusal(Prices);

/** `/data/top/exchanges/full`: the only answer that tells a coin's number. */
export const CoinOrRefusal = orRefusal(
  z.object({ Data: z.object({ CoinInfo: z.object({ Id: z.string().regex(/^\d+$/), Name: z.string() }) }) }),
);

/** `/data/social/coin/latest` */
const Social = z.object({ Data: z.object({ General: z.object({ Points: numeric.nullish() }) }) });
export type Social = z.infer<typeof Social>;
export const SocialOrRefusal = orRefusal(Social);

/** `/data/v2/histohour`, `/data/v2/histominute`; `time` is a bar's start in seconds. */
const Bars = z.object({
  Data: z.object({ TimeFrom: z.number(), Data: z.array(z.object({ time: z.number(), close: z.number().nullable() })) }),
});
export type Bars = z.infer<typeof Bars>;
export const BarsOrRefusal = orRefusal(Bars);
