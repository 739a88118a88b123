/** Frames of both venues, as the simulator sends them, through the mappers; against parsing their JSON and no more. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { mapCoinbaseFrame } from '#services/ingest/venues/coinbase/mapper.ts';
import { mapKrakenFrame } from '#services/ingest/venues/kraken/mapper.ts';
import { startSimulator } from '#services/simulator/simulator.ts';
import { type Figure, paired, rate } from './measure.ts';

const FRAMES = 4_000;

const SUBSCRIBE = {
  coinbase: [
    { type: 'subscribe', product_ids: ['BTC-USD', 'ETH-USD'], channels: ['ticker', 'matches', 'level2_batch', 'heartbeat'] },
  ],
  kraken: [
    { method: 'subscribe', params: { channel: 'trade', symbol: ['BTC/USD', 'ETH/USD'], snapshot: true } },
    { method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD', 'ETH/USD'], depth: 1000, snapshot: true } },
  ],
};

export async function benchFrames(): Promise<Figure[]> {
  const simulator = await startSimulator({ messagesPerSecond: 4_000, historyDays: 0.1 });
  try {
    const coinbase = await collect(simulator.urls.coinbaseWs, SUBSCRIBE.coinbase);
    const kraken = await collect(simulator.urls.krakenWs, SUBSCRIBE.kraken);
    return [...(await measure('coinbase', coinbase, mapCoinbaseFrame)), ...(await measure('kraken', kraken, mapKrakenFrame))];
  } finally {
    await simulator.stop();
  }
}

async function collect(url: string, messages: readonly object[]): Promise<string[]> {
  const socket = new WebSocket(url);
  const frames: string[] = [];
  const full = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      frames.push(data.toString());
      if (frames.length === FRAMES) resolve();
    });
  });
  await once(socket, 'open');
  for (const message of messages) socket.send(JSON.stringify(message));
  await full;
  socket.terminate();
  return frames;
}

async function measure(venue: string, frames: readonly string[], map: (text: string) => unknown): Promise<Figure[]> {
  const json = await rate(`${venue}: JSON.parse`, 'frames/s', frames.length, () => {
    for (const frame of frames) JSON.parse(frame);
  });
  const mapped = await rate(`${venue}: frame to events`, 'frames/s', frames.length, () => {
    for (const frame of frames) map(frame);
  });
  return [json, paired(mapped, json)];
}
