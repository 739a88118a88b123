import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { sharedData } from '#libs/history/shared-data.ts';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { gather, readFrames } from '../../recording.test-tool.ts';
import { mapCoinbaseFrame } from './mapper.ts';

const map = (frame: unknown) => mapCoinbaseFrame(JSON.stringify(frame)).events;

describe.each(['frames/coinbase.ws.28.0.gz', '../sources/samples/coinbase-exchange-recorded-2021-04-17.jsonl'])(
  'the recorded session %s',
  (name) => {
    const path = sharedData(name);
    if (path === undefined) {
      test.todo(`${name} is absent`);
      return;
    }
    const frames = readFrames(path).map(({ text, receiveTime }) => ({
      receiveTime,
      raw: JSON.parse(text) as Raw,
      ...mapCoinbaseFrame(text),
    }));
    interface Raw {
      type: string;
      side?: string;
      sequence: number;
      trade_id: number;
      product_id: string;
      best_bid: string;
      best_ask: string;
    }
    const products = [...new Set(frames.flatMap(({ raw }) => (raw.type === 'snapshot' ? [raw.product_id] : [])))];

    test('gives every trade once and in order, by the taker', () => {
      const trades = frames.flatMap(({ events }) => events.filter((event) => event.kind === 'trade'));
      const matches = frames.map(({ raw }) => raw).filter(({ type }) => type === 'match' || type === 'last_match');
      expect(trades.map(({ tradeId }) => tradeId)).toEqual(matches.map(({ trade_id }) => trade_id));
      for (const [at, { aggressor }] of trades.entries()) {
        expect(aggressor).toBe(matches[at]!.side === 'sell' ? Side.SIDE_BUY : Side.SIDE_SELL);
      }
      // The ticker's side is the taker's: the same trade by another channel.
      const takers = new Map(
        frames.filter(({ raw }) => raw.type === 'ticker').map(({ raw }) => [`${raw.product_id} ${raw.trade_id}`, raw.side]),
      );
      let compared = 0;
      for (const { instrument, tradeId, aggressor } of trades) {
        const taker = takers.get(`${instrument} ${tradeId}`);
        if (taker === undefined) continue;
        expect(aggressor).toBe(taker === 'buy' ? Side.SIDE_BUY : Side.SIDE_SELL);
        compared++;
      }
      expect(compared).toBe(takers.size);
    });

    test.each(products)(
      'the stream of %s loses and doubles nothing, its book is never crossed, its quotes are the ticker’s',
      (product) => {
        const { stream, of, asked } = gather(product);
        const decimals = priceDecimals(frames.map(({ raw }) => raw).filter(({ product_id }) => product_id === product));
        const listing = {
          instrument: product,
          status: TradingStatus.TRADING_STATUS_ONLINE,
          tickSize: 10 ** -decimals,
          priceDecimals: decimals,
          sizeDecimals: 8,
        };
        stream.onListing(listing, 1);
        stream.connected(2);
        const matched: number[] = [];
        let agreed = 0;
        let tickers = 0;
        let quoted = 0;
        for (const { receiveTime, events, raw } of frames) {
          if (raw.product_id !== product) continue;
          if (raw.type === 'match') matched.push(raw.trade_id);
          for (const event of events) {
            if (event.kind === 'trade') stream.onTrade(event, receiveTime);
            else if (event.kind === 'book') stream.onBook(event, receiveTime);
          }
          const quotes = of('quote');
          // The first ticker tells of a trade before the session.
          if (raw.type === 'ticker' && quotes.length > 0 && matched.length > 0) {
            tickers++;
            // The ticker tells of the moment of its trade, which the book's frames may still be about to tell.
            if (quotes.slice(-6).some(({ bid, ask }) => bid === Number(raw.best_bid) || ask === Number(raw.best_ask))) agreed++;
          }
          quoted = quotes.length;
        }
        expect(of('trade').map(({ tradeId }) => tradeId)).toEqual(matched);
        expect(asked).toEqual({ resyncs: 0, repairs: [], malformed: [], badChecksums: 0 });
        expect(stream.missedDeletes).toBe(0);
        expect(of('gap').map(({ detail }) => detail)).toEqual(['start']);
        expect(quoted).toBeGreaterThan(0);
        for (const { bid, ask, bidSize, askSize } of of('quote')) {
          expect(bid).toBeLessThan(ask);
          expect(Math.min(bidSize, askSize)).toBeGreaterThan(0);
        }
        for (const slice of of('book')) {
          expect(slice.bidPrices).toEqual([...slice.bidPrices].sort((one, other) => other - one));
          expect(slice.askPrices).toEqual([...slice.askPrices].sort((one, other) => one - other));
          expect(slice.bidValue10bps).toBeLessThanOrEqual(slice.bidValue50bps);
        }
        expect(agreed).toBe(tickers);
      },
    );

    function priceDecimals(raws: unknown[]): number {
      const prices = JSON.stringify(raws).matchAll(/\["(?:(?:buy|sell)",")?(\d+\.\d+)"/g);
      return Math.max(...[...prices].map(([, price]) => price!.replace(/0+$/, '').split('.')[1]!.length));
    }
  },
);

describe('mapCoinbaseFrame', () => {
  test('drops a bad level of a snapshot and keeps the book', () => {
    const [bad, book] = map({
      type: 'snapshot',
      product_id: 'A-USD',
      bids: [
        ['2', '0.-10000'],
        ['1', '5'],
      ],
      asks: [['3', '1']],
    });
    expect(bad).toMatchObject({ kind: 'malformed', reason: 'level', instrument: 'A-USD' });
    expect(book).toMatchObject({ kind: 'book', isSnapshot: true, bids: [1, 5], asks: [3, 1] });
  });

  test.each(['0', '-1', 'NaN', '1e12', '1e999', '', null, {}, '0x10', 'Infinity'])('does not believe the price %p', (price) => {
    const match = { type: 'match', trade_id: 5, side: 'buy', size: '1', price, product_id: 'BTC-USD' };
    expect(map(match)).toMatchObject([{ kind: 'malformed', reason: 'price', instrument: 'BTC-USD' }]);
    expect(map({ type: 'l2update', product_id: 'BTC-USD', changes: [['buy', price, '1']] })).toMatchObject([
      { kind: 'malformed', reason: 'level' },
      { kind: 'book', bids: [], asks: [] },
    ]);
  });

  test('takes the year 1 as no time', () => {
    const update = { type: 'l2update', product_id: 'BTC-EUR', changes: [], time: '0001-01-01T00:00:00.000000Z' };
    expect(map(update)).toMatchObject([{ exchangeTime: 0 }]);
  });

  test('knows what each product may do, and that an unknown type is nobody’s fault', () => {
    const product = { id: 'BTC-USD', quote_increment: '0.01', base_increment: '0.00000001', status: 'online' };
    const statusOf = (more: object) => map({ type: 'status', products: [{ ...product, ...more }], currencies: [] })[0];
    expect(statusOf({})).toEqual({
      kind: 'listings',
      isComplete: true,
      listings: [
        { instrument: 'BTC-USD', status: TradingStatus.TRADING_STATUS_ONLINE, tickSize: 0.01, priceDecimals: 2, sizeDecimals: 8 },
      ],
    });
    for (const [more, status] of [
      [{ status: 'offline' }, TradingStatus.TRADING_STATUS_HALTED],
      [{ status: 'delisted' }, TradingStatus.TRADING_STATUS_DELISTED],
      [{ cancel_only: true }, TradingStatus.TRADING_STATUS_CANCEL_ONLY],
      [{ post_only: true }, TradingStatus.TRADING_STATUS_POST_ONLY],
      [{ limit_only: true }, TradingStatus.TRADING_STATUS_LIMIT_ONLY],
      [{ auction_mode: true }, TradingStatus.TRADING_STATUS_AUCTION],
    ] as const) {
      expect(statusOf(more)).toMatchObject({ listings: [{ status }] });
    }
    expect(map({ type: 'rfq_match' })).toEqual([]);
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"type":"l2update"}',
    '{"type":"snapshot","product_id":1}',
    '{"type":"match"}',
    '{"type":"status"}',
    '{"type":"heartbeat","product_id":"A-B","last_trade_id":"x"}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapCoinbaseFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });

  test('tells what the venue refused', () => {
    expect(map({ type: 'error', message: 'Failed to subscribe', reason: 'level2 requires authentication' })).toEqual([
      { kind: 'refused', instrument: undefined, message: 'Failed to subscribe: level2 requires authentication' },
    ]);
  });
});

describe('the recorded Advanced Trade frames', () => {
  const path = sharedData('../sources/samples/coinbase-advanced-ws-recorded-2026-08-12.jsonl');
  if (path === undefined) {
    test.todo('the Advanced Trade sample is absent');
    return;
  }

  // The same venue's retail feed, on another host and with another protocol: Exchange asks clients to ignore what they do not know.
  test('are passed over: nothing is counted twice and nothing is called malformed', () => {
    const frames = readFileSync(path, 'utf8').trim().split('\n');
    expect(frames.map((text) => mapCoinbaseFrame(text))).toEqual(frames.map(() => ({ channel: 'unknown', events: [] })));
  });
});
