/**
 * What compressing batches for Kafka saves and costs: ticks as ingest writes them, of the simulator's Kraken, as many a batch as a quiet and as a
 * busy partition gathers. kafkajs frames each record with about a dozen bytes besides, which compress well.
 */
import { CODECS, hasZstd } from '#libs/log/kafka/compression.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { openHarness, until } from '#services/ingest/harness.test-tool.ts';
import { startSimulator } from '#services/simulator/simulator.ts';
import { type Figure, figure, paired, rate } from './measure.ts';

const RECORDS = 4_000;
const BATCHES = [10, 200] as const;

export async function benchCompression(): Promise<Figure[]> {
  const records = await recordedTicks();
  const plain = figure('ticks on Kafka, not compressed', 'B/record', [mean(records)]);
  const figures = [plain];
  for (const size of BATCHES) {
    const batches = Array.from({ length: RECORDS / size }, (_, index) =>
      Buffer.concat(records.slice(index * size, (index + 1) * size)),
    );
    for (const [name, compress] of Object.entries(CODECS)) {
      if (name === 'zstd' && !hasZstd) continue;
      const compressed = await Promise.all(batches.map((batch) => compress(batch)));
      const bytes = compressed.reduce((sum, { length }) => sum + length, 0) / RECORDS;
      figures.push(paired(figure(`${name}, ${size} a batch`, 'B/record', [bytes]), plain));
      figures.push(
        await rate(`${name}, ${size} a batch`, 'records/s', RECORDS, async () => {
          for (const batch of batches) await compress(batch);
        }),
      );
    }
  }
  return figures;
}

async function recordedTicks(): Promise<Uint8Array[]> {
  const simulator = await startSimulator({ messagesPerSecond: 2_000, historyDays: 0.1 });
  const harness = await openHarness(1);
  try {
    const endpoints = { ws: simulator.urls.krakenWs, rest: simulator.urls.krakenRest };
    harness.start({ venue: 'kraken', instruments: ['BTC-USD', 'ETH-USD'], endpoints });
    await until('ticks', () => harness.ticks.length >= RECORDS);
    return harness.ticks.slice(0, RECORDS).map((tick) => Tick.encode(tick).finish());
  } finally {
    await harness.close();
    await simulator.stop();
  }
}

function mean(records: readonly Uint8Array[]): number {
  return records.reduce((sum, { length }) => sum + length, 0) / records.length;
}
