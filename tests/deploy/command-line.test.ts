import { describe, expect, test } from '@jest/globals';
import { commandLineProblems } from './command-line.ts';

describe('the check of a container against the command line', () => {
  test('lets pass what starts', () => {
    expect(commandLineProblems(['ingest', '--venue', 'kraken'], { KAFKA_BROKERS: 'kafka:9092', NODE_ENV: 'production' })).toEqual(
      [],
    );
    expect(
      commandLineProblems(['features'], { KAFKA_BROKERS: 'kafka:9092', TRIBUTARY_HISTORY: '/history/candles.csv.gz' }),
    ).toEqual([]);
    expect(commandLineProblems(['models', 'publish', '/bundles/bundle.json'], { KAFKA_BROKERS: 'kafka:9092' })).toEqual([]);
    expect(commandLineProblems(['archive'], { KAFKA_BROKERS: 'k:1', CLICKHOUSE_PASSWORD: undefined })).toEqual([]);
  });

  test.each([
    [['ingest', '--venue', 'kraken'], {}, 'ingest needs --brokers <list>'],
    [['ingest', '--venue', 'nasdaq'], { KAFKA_BROKERS: 'k:1' }, /--venue: nasdaq is not one of/],
    [['clock', '--speed', '2'], { KAFKA_BROKERS: 'k:1' }, 'clock has no option --speed'],
    [['clock'], { KAFKA_BROKERS: 'k:1', TRIBUTARY_SPEED: '2' }, 'clock reads no variable TRIBUTARY_SPEED'],
    [['clock'], { KAFKA_BROKERS: 'k:1', TRIBUTARY_METRICS_PORT: 'http' }, /TRIBUTARY_METRICS_PORT: Write a whole number/],
    [['models', 'publish'], { KAFKA_BROKERS: 'k:1' }, /publish takes 1 arguments/],
  ])('%j with %j is refused', (args, env, problem) => {
    expect(commandLineProblems(args, env)).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
  });

  test('a command that is none is an error', () => {
    expect(() => commandLineProblems(['fly'], {})).toThrow('There is no command fly.');
  });
});
