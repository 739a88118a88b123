/** Ticks as what an account meets. A candle is two trades: its open at its start, its close at its end. */
import { type MarketEvent } from '#libs/paper/market.ts';
import { type Tick, TradingStatus } from '#libs/wire/tributary/v1/market.ts';

const MINUTE = 60_000;

/** Nothing for events that are no price. A trade that REST filled in later is none either: it could not be met any more. */
export function marketEvents({ event, receiveTime }: Tick): readonly MarketEvent[] {
  const time = receiveTime / 1000;
  switch (event?.$case) {
    case 'book': {
      const { bidPrices, bidSizes, askPrices, askSizes } = event.value;
      if (bidPrices.length === 0 || askPrices.length === 0 || bidPrices[0]! >= askPrices[0]!) return [];
      return [{ kind: 'book', time, bids: { prices: bidPrices, sizes: bidSizes }, asks: { prices: askPrices, sizes: askSizes } }];
    }
    case 'quote': {
      const { bid, bidSize, ask, askSize } = event.value;
      if (!(bid > 0 && ask > bid)) return [];
      const level = (price: number, size: number) => ({ prices: [price], sizes: [size > 0 ? size : Infinity] });
      return [{ kind: 'quote', time, bids: level(bid, bidSize), asks: level(ask, askSize) }];
    }
    case 'trade':
      return event.value.repaired ? [] : [{ kind: 'print', time, price: event.value.price }];
    case 'candle': {
      const { start, open, close } = event.value;
      return [
        { kind: 'print', time: start, price: open },
        { kind: 'print', time: start + MINUTE - 1, price: close },
      ];
    }
    default:
      return [];
  }
}

/** Whether the venue takes orders at once; undefined = the tick says nothing about it. */
export function isHalted({ event }: Tick): boolean | undefined {
  if (event?.$case !== 'status') return undefined;
  const { status } = event.value;
  return status !== TradingStatus.TRADING_STATUS_ONLINE && status !== TradingStatus.TRADING_STATUS_UNSPECIFIED;
}
