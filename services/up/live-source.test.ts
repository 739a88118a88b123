import { describe, expect, test } from '@jest/globals';
import { openLive } from './live-source.ts';
import { type SourceOptions } from './source.ts';

const options = {
  ...{ source: 'auto', symbols: ['BTC-USD'], venues: ['coinbase', 'kraken'], historyDays: 1, speed: 1 },
  ...{ edge: 'none', seed: 1, dataDir: '.', contextSources: ['all'] },
} as const satisfies SourceOptions & { venues: readonly string[] };

const partsOf = (kind: 'live' | 'sim'): string[] =>
  openLive(kind, {}, options, () => Promise.resolve())
    .feeds()
    .map(([part]) => part);

describe('context sources', () => {
  test('are asked for live data', () => {
    expect(partsOf('live')).toContain('context');
  });

  test('are never asked beside the simulator, whatever is named', () => {
    expect(partsOf('sim')).not.toContain('context');
  });

  test('that nobody knows are refused', () => {
    const unknown = { ...options, contextSources: ['nowhere'] };
    expect(() => openLive('live', {}, unknown, () => Promise.resolve())).toThrow('There is no context source nowhere');
  });
});
