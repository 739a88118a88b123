/** Options of the simulator, validated once. */
import { z } from 'zod';

export const simulatorOptionsSchema = z.strictObject({
  seed: z.int().default(1).describe('Seed of the market; the same seed makes the same market. Default 1.'),
  symbols: z
    .array(z.string().regex(/^[A-Z0-9]{2,12}-[A-Z0-9]{2,12}$/, 'is not BASE-QUOTE, for instance BTC-USD'))
    .min(1)
    .default(['BTC-USD', 'ETH-USD'])
    .describe(
      'Instruments, BASE-QUOTE. Default BTC-USD, ETH-USD; USDT-USD and USDC-USD are served besides, as each venue lists them.',
    ),
  port: z.int().min(0).max(65_535).default(0).describe('TCP port on 127.0.0.1; 0 = any free one. Default 0.'),
  edge: z
    .enum(['lag', 'none'])
    .default('lag')
    .describe('lag = venues trail one price, so the near future can be foretold; none = nothing can be. Default lag.'),
  leaderChangesAt: z
    .number()
    .optional()
    .describe(
      'Milliseconds since the epoch from which the venues have each other’s lags: what was learned before is wrong. Default: never.',
    ),
  tradeRate: z
    .number()
    .positive()
    .max(50)
    .default(1.5)
    .describe('Trades a second of BTC-USD on Coinbase; others follow. Default 1.5.'),
  messagesPerSecond: z
    .number()
    .positive()
    .max(100_000)
    .optional()
    .describe(
      'Load: book updates and trades a second over all instruments and venues. Default: 20 book updates a second each, and tradeRate.',
    ),
  historyDays: z.number().min(0.1).max(60).default(8).describe('Days of candles before the start. Default 8.'),
  ledgerSize: z.int().min(100).default(100_000).describe('Trades kept per instrument and venue. Default 100,000.'),
  rateLimits: z.boolean().default(true).describe("Whether REST and connections are limited as the venues' are. Default true."),
  subscribeWithinMs: z
    .int()
    .min(50)
    .default(5000)
    .describe('Coinbase closes a connection without a subscription after this many ms. Default 5000.'),
  maxConnectionMs: z
    .int()
    .min(1_000)
    .optional()
    .describe('The venues end a connection that is this old, ms, as some do after a day. Default: never.'),
  maxBufferedBytes: z
    .int()
    .min(65_536)
    .default(8 * 1024 * 1024)
    .describe('A client with more bytes than this unread is disconnected. Default 8 MiB.'),
});

export type SimulatorOptions = z.input<typeof simulatorOptionsSchema>;
