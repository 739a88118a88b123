/**
 * Tests only: turns a recorded Kraken v1 book session (decimal strings in arrays) into v2 frames (numbers in objects), so that the
 * v2 book is exercised at depth 1000 on real order flow. A pair's precisions are the decimals its v1 strings have: v1's checksum was
 * made over those strings, v2's over numbers with that many decimals, and both are the same CRC.
 */
import { type RecordedFrame } from '../../recording.test-tool.ts';

type V1Level = readonly [price: string, size: string, time: string, ...rest: string[]];
interface V1Sides {
  readonly as?: V1Level[];
  readonly bs?: V1Level[];
  readonly a?: V1Level[];
  readonly b?: V1Level[];
  readonly c?: string;
}

export interface V2Session {
  /** The instrument frame of all pairs, then the books' frames as they came. */
  readonly frames: readonly RecordedFrame[];
  readonly symbols: readonly string[];
  /** v1 frames that carried a checksum. */
  readonly checksums: number;
}

export function toV2(recorded: readonly RecordedFrame[]): V2Session {
  const precisions = new Map<string, { price: number; size: number }>();
  const books = recorded.flatMap(({ text, receiveTime }) => {
    const frame: unknown = JSON.parse(text);
    if (!Array.isArray(frame) || !String(frame.at(-2)).startsWith('book-')) return [];
    const symbol = String(frame.at(-1)).replace('XBT', 'BTC');
    const sides = Object.assign({}, ...(frame.slice(1, -2) as V1Sides[])) as V1Sides;
    const isSnapshot = sides.as !== undefined || sides.bs !== undefined;
    const bids = (isSnapshot ? sides.bs : sides.b) ?? [];
    const asks = (isSnapshot ? sides.as : sides.a) ?? [];
    for (const [price, size] of [...bids, ...asks]) precisions.set(symbol, { price: decimals(price), size: decimals(size) });
    return [{ receiveTime, symbol, isSnapshot, bids, asks, checksum: sides.c }];
  });
  const pairs = [...precisions].map(([symbol, { price, size }]) => ({
    symbol,
    base: symbol.split('/')[0],
    quote: symbol.split('/')[1],
    status: 'online',
    price_precision: price,
    qty_precision: size,
    price_increment: 10 ** -price,
    qty_increment: 10 ** -size,
  }));
  const instrument = { channel: 'instrument', type: 'snapshot', data: { assets: [], pairs } };
  const frames = books.map(({ receiveTime, symbol, isSnapshot, bids, asks, checksum }) => {
    const row = {
      symbol,
      bids: bids.map(toLevel),
      asks: asks.map(toLevel),
      ...(checksum === undefined ? {} : { checksum: Number(checksum) }),
      timestamp: new Date(receiveTime / 1000).toISOString(),
    };
    return { receiveTime, text: JSON.stringify({ channel: 'book', type: isSnapshot ? 'snapshot' : 'update', data: [row] }) };
  });
  return {
    frames: [{ receiveTime: books[0]?.receiveTime ?? 0, text: JSON.stringify(instrument) }, ...frames],
    symbols: [...precisions.keys()],
    checksums: books.filter(({ checksum }) => checksum !== undefined).length,
  };
}

function toLevel([price, qty]: V1Level): { price: number; qty: number } {
  return { price: Number(price), qty: Number(qty) };
}

function decimals(text: string): number {
  return text.split('.')[1]?.length ?? 0;
}
