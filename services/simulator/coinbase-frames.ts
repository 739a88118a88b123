/** Coinbase Exchange frames as text. All prices and sizes are decimal strings; matches name the maker's side, tickers the taker's. */
import { type SideChanges } from './book.ts';
import { fixed, isoMicros, trimmed } from './decimal.ts';
import { mix, streamKey } from './draw.ts';
import { type Pit } from './floor.ts';
import { type Trade } from './ledger.ts';
import { type Listing } from './listing.ts';

export function errorFrame(message: string, reason?: string): string {
  return JSON.stringify(reason === undefined ? { type: 'error', message } : { type: 'error', message, reason });
}

/** `type`: `last_match` for the first one after subscribing. `price` stands in for the trade's own where a fault says so. */
export function matchFrame(pit: Pit, trade: Trade, type: 'match' | 'last_match', skew: number, price?: string): string {
  const { listing } = pit;
  return (
    `{"type":"${type}","trade_id":${trade.id},"maker_order_id":"${orderId(listing, trade.id, 'maker')}",` +
    `"taker_order_id":"${orderId(listing, trade.id, 'taker')}","side":"${trade.takerBuys ? 'sell' : 'buy'}",` +
    `"size":"${trimmed(trade.size, listing.sizeDigits)}","price":"${price ?? trimmed(trade.price, listing.priceDigits)}",` +
    `"product_id":"${listing.instrument.name}","sequence":${trade.sequence},"time":"${isoMicros(trade.time + skew)}"}`
  );
}

export function tickerFrame(pit: Pit, trade: Trade, skew: number, price?: string): string {
  const { listing, book } = pit;
  const { priceDigits, sizeDigits } = listing;
  const day = pit.candles.last24h();
  const written = price ?? trimmed(trade.price, priceDigits);
  const volume = fixed(Math.round(day?.volume ?? 0), sizeDigits);
  const month = fixed(Math.round((day?.volume ?? 0) * 30), sizeDigits);
  return (
    `{"type":"ticker","sequence":${trade.sequence},"product_id":"${listing.instrument.name}","price":"${written}",` +
    `"open_24h":"${trimmed(day?.open ?? trade.price, priceDigits)}","volume_24h":"${volume}",` +
    `"low_24h":"${trimmed(day?.low ?? trade.price, priceDigits)}","high_24h":"${trimmed(day?.high ?? trade.price, priceDigits)}",` +
    `"volume_30d":"${month}","best_bid":"${fixed(book.bestBid, priceDigits)}","best_bid_size":"${fixed(book.bestBidSize, sizeDigits)}",` +
    `"best_ask":"${fixed(book.bestAsk, priceDigits)}","best_ask_size":"${fixed(book.bestAskSize, sizeDigits)}",` +
    `"side":"${trade.takerBuys ? 'buy' : 'sell'}","time":"${isoMicros(trade.time + skew)}","trade_id":${trade.id},` +
    `"last_size":"${trimmed(trade.size, sizeDigits)}"}`
  );
}

export function snapshotFrame(listing: Listing, bids: SideChanges, asks: SideChanges): string {
  const side = ({ prices, sizes }: SideChanges): string =>
    prices.map((price, i) => `["${fixed(price, listing.priceDigits)}","${fixed(sizes[i]!, listing.sizeDigits)}"]`).join(',');
  return `{"type":"snapshot","product_id":"${listing.instrument.name}","asks":[${side(asks)}],"bids":[${side(bids)}]}`;
}

/** Undefined where nothing changed. */
export function l2updateFrame(listing: Listing, bids: SideChanges, asks: SideChanges, time: number): string | undefined {
  const changes: string[] = [];
  const write = (side: 'buy' | 'sell', { prices, sizes }: SideChanges): void => {
    for (const [i, price] of prices.entries()) {
      changes.push(`["${side}","${fixed(price, listing.priceDigits)}","${fixed(sizes[i]!, listing.sizeDigits)}"]`);
    }
  };
  write('buy', bids);
  write('sell', asks);
  if (changes.length === 0) return undefined;
  return `{"type":"l2update","product_id":"${listing.instrument.name}","changes":[${changes.join(',')}],"time":"${isoMicros(time)}"}`;
}

export function heartbeatFrame(pit: Pit, time: number): string {
  const lastId = pit.lastTrade?.id ?? 0;
  return `{"type":"heartbeat","sequence":${pit.sequence},"last_trade_id":${lastId},"product_id":"${pit.listing.instrument.name}","time":"${isoMicros(time)}"}`;
}

export function statusFrame(pits: readonly Pit[]): string {
  const currencies = [...new Set(pits.flatMap(({ listing }) => [listing.instrument.base, listing.instrument.quote]))];
  return JSON.stringify({
    type: 'status',
    products: pits.map((pit) => ({ ...product(pit), type: 'spot' })),
    currencies: currencies.map((id) => ({ id, name: id, status: 'online', status_message: '', max_precision: '0.00000001' })),
  });
}

/** A product as REST `/products` and the status channel describe it. A halted one takes cancels only. */
export function product(pit: Pit): Record<string, unknown> {
  const { instrument, priceDigits, sizeDigits } = pit.listing;
  return {
    id: instrument.name,
    base_currency: instrument.base,
    quote_currency: instrument.quote,
    quote_increment: fixed(1, priceDigits),
    base_increment: fixed(1, sizeDigits),
    display_name: `${instrument.base}-${instrument.quote}`,
    min_market_funds: '1',
    margin_enabled: false,
    post_only: false,
    limit_only: false,
    cancel_only: pit.halted,
    status: 'online',
    status_message: pit.halted ? 'Trading is paused: cancel only.' : '',
    trading_disabled: pit.halted,
    fx_stablecoin: false,
    max_slippage_percentage: '0.02000000',
    auction_mode: false,
    high_bid_limit_percentage: '',
  };
}

/** A version 4 UUID of a trade's order; the same whenever it is asked for. */
function orderId(listing: Listing, tradeId: number, role: 'maker' | 'taker'): string {
  const key = streamKey(tradeId, `${role}/${listing.instrument.name}`);
  const hex = [0, 1, 2, 3].map((word) => (mix(key, word) >>> 0).toString(16).padStart(8, '0')).join('');
  const variant = '89ab'[parseInt(hex[16]!, 16) & 3]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
