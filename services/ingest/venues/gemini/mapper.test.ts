/** No session of Gemini is recorded: frames of the documented shape, made by hand. */
import { describe, expect, test } from '@jest/globals';
import { Side } from '#libs/wire/tributary/v1/market.ts';
import { gather } from '../../recording.test-tool.ts';
import { gemini } from './feed.ts';
import { mapGeminiFrame } from './mapper.ts';

const map = (frame: object) => mapGeminiFrame(JSON.stringify(frame)).events;
const BTC = 'BTC-USD';
const TRADE = {
  ...{ type: 'trade', symbol: 'BTCUSD', event_id: 122_258_166_738, timestamp: 1_700_000_000_424 },
  ...{ price: '37000.14', quantity: '0.00004473', side: 'buy' },
};
const WHOLE = {
  type: 'l2_updates',
  symbol: 'BTCUSD',
  changes: [
    ['buy', '37000.10', '0.5'],
    ['buy', '36999.00', '1'],
    ['sell', '37000.20', '0.25'],
  ],
  trades: [TRADE, { ...TRADE, event_id: 122_258_141_090, side: 'sell' }],
  auction_events: [],
};

describe('mapGeminiFrame', () => {
  test('takes the first frame of a subscription for the whole book and the past trades, oldest first', () => {
    const [book, ...trades] = map(WHOLE);
    expect(book).toMatchObject({ kind: 'book', isSnapshot: true, bids: [37000.1, 0.5, 36999, 1], asks: [37000.2, 0.25] });
    expect(trades).toMatchObject([
      { tradeId: 122_258_141_090, aggressor: Side.SIDE_SELL, isLate: true },
      { tradeId: 122_258_166_738, aggressor: Side.SIDE_BUY, price: 37000.14, exchangeTime: 1_700_000_000_424_000 },
    ]);
  });

  test('takes the next for changes, and a trade as it happens', () => {
    expect(map({ type: 'l2_updates', symbol: 'BTCUSD', changes: [['sell', '37000.20', '0']] })).toMatchObject([
      { kind: 'book', isSnapshot: false, bids: [], asks: [37000.2, 0] },
    ]);
    expect(map(TRADE)).toMatchObject([{ kind: 'trade', instrument: BTC, isLate: false }]);
  });

  test('knows heartbeats and refusals; auctions are nothing of the book', () => {
    expect(map({ type: 'heartbeat', timestamp: 1 })).toEqual([]);
    expect(map({ type: 'auction_indicative', symbol: 'BTCUSD' })).toEqual([]);
    expect(map({ result: 'error', reason: 'InvalidJson', message: 'no' })).toMatchObject([
      { kind: 'refused', message: 'InvalidJson: no' },
    ]);
  });

  test.each(['0', '-1', 'NaN', '1e12', '1e999', '', null, {}, '0x10'])('does not believe the price %p', (price) => {
    expect(map({ ...TRADE, price })).toMatchObject([{ kind: 'malformed', reason: 'price', instrument: BTC }]);
    expect(map({ type: 'l2_updates', symbol: 'BTCUSD', changes: [['buy', price, '1']] })).toMatchObject([
      { kind: 'malformed', reason: 'level' },
      { kind: 'book', bids: [] },
    ]);
  });

  test.each([
    '',
    '{',
    '[]',
    '{}',
    '{"type":"l2_updates","symbol":"BTCUSD"}',
    '{"type":"l2_updates","symbol":5,"changes":[]}',
    '{"type":"trade","symbol":"BTCUSD"}',
    '{"type":"trade","symbol":"BTCUSD","event_id":1,"price":"1","quantity":"0","side":"buy"}',
    '{"type":"trade","symbol":"BTCUSD","event_id":1,"price":"1","quantity":"1","side":"auction"}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapGeminiFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });
});

test('a subscription that comes anew repeats no trade, and brings those of the time between as told after the fact', () => {
  const { stream, of } = gather(BTC, gemini);
  const give = (frame: object, now: number) => {
    for (const event of map(frame)) {
      if (event.kind === 'book') stream.onBook(event, now);
      else if (event.kind === 'trade') stream.onTrade(event, now);
    }
  };
  stream.onListing({ instrument: BTC, status: 1, tickSize: 0.01, priceDecimals: 2, sizeDecimals: 8 }, 1);
  stream.connected(2);
  give(WHOLE, 3);
  give({ ...TRADE, event_id: 122_258_166_800 }, 4);
  stream.disconnected(5, 1, 'cut');
  stream.connected(6);
  const later = [122_258_166_900, 122_258_166_800].map((id) => ({ ...TRADE, event_id: id }));
  give({ ...WHOLE, trades: [...later, ...WHOLE.trades] }, 7);
  expect(of('trade').map(({ tradeId, repaired }) => [tradeId, repaired])).toEqual([
    [122_258_166_800, false],
    [122_258_166_900, true],
  ]);
  expect(of('quote').at(-1)).toEqual({ bid: 37000.1, bidSize: 0.5, ask: 37000.2, askSize: 0.25 });
});
