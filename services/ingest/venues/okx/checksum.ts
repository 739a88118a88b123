/**
 * OKX's CRC-32 over the 25 best bids and asks in turn, `bid:size:ask:size:…`, as a signed integer; prices and sizes as decimals
 * without trailing zeros. Today's feed sends 0 instead, which the mapper takes for none; the sequence is the check then.
 */
import { crc32 } from 'node:zlib';
import { type BookSide } from '#libs/market/book.ts';
import { type BookChecksum } from '../venue.ts';

const LEVELS = 25;

export const okxChecksum: BookChecksum = ({ bids, asks }) => {
  const parts: string[] = [];
  for (let level = 0; level < LEVELS; level++) {
    for (const side of [bids, asks]) if (level < side.length) parts.push(levelText(side, level));
  }
  return crc32(parts.join(':')) | 0;
};

function levelText(side: BookSide, level: number): string {
  return `${plain(side.price(level))}:${plain(side.size(level))}`;
}

/** The shortest decimal; JavaScript writes what is below 1e-6 with an exponent. */
function plain(value: number): string {
  return value >= 1e-6 ? String(value) : value.toFixed(15).replace(/0+$/, '');
}
