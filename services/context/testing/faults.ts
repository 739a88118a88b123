/**
 * What every source must bear, whatever its host answers. Each source gives a sample of good answers (sources/ID/sample.ts, named in
 * samples.ts): the faults are made from it.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { TributaryError } from '#libs/errors/errors.ts';
import { type ContextSource, type Observation } from '../sources/source.ts';
import {
  type Answers,
  json,
  observe,
  observeEach,
  type Observed,
  type PollOutcome,
  type RecordedRequest,
  type RecordedServer,
  type Reply,
  serveRecorded,
} from './recorded.ts';
import { type SourceSample } from './sample.ts';

export type { SourceSample } from './sample.ts';

const KEY = 'k3y-of-the-test';
const FOUR_HUNDRED_DAYS = 400 * 86_400_000;

/** Registers the tests of one source. */
export function describeFaults(source: ContextSource, sample: SourceSample): void {
  const servers: RecordedServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const serve = async (answers: Parameters<typeof serveRecorded>[0]): Promise<RecordedServer> => {
    const server = await serveRecorded(answers);
    servers.push(server);
    return server;
  };
  const key = source.key === undefined ? {} : { key: KEY };
  const options = { now: sample.now, ...key, ...(sample.files && { files: sample.files }) };
  const whole = async (): Promise<readonly Observation[]> => {
    return (await observe(source, await serve(sample.answers), options)).observations;
  };
  /** What becomes of each poll where `fault` stands between the host and the source. */
  const under = async (fault: Fault): Promise<readonly PollOutcome[]> => {
    return observeEach(source, await serve(through(sample.answers, fault)), options);
  };
  /** All polls in order, the first request meeting `reply`. */
  const afterOne = async (reply: Reply): Promise<Observed> => {
    return observe(source, await serve(through(sample.answers, once(reply))), options);
  };

  describe(source.id, () => {
    test('makes finite values of its declared series, of no later than now, each once', async () => {
      const observations = await whole();
      expect(observations.length).toBeGreaterThan(0);
      for (const { series, value, observedAt } of observations) {
        expect(isDeclared(source, series) ? '' : `${series} is not declared`).toBe('');
        expect(Number.isFinite(value)).toBe(true);
        expect(observedAt).toBeLessThanOrEqual(sample.now);
        expect(observedAt).toBeGreaterThan(sample.now - FOUR_HUNDRED_DAYS);
      }
      const names = observations.map(({ series, observedAt }) => `${series} ${observedAt}`);
      expect(names.length).toBe(new Set(names).size);
    });

    test('makes no more requests than its polls say', async () => {
      for (const { poll, requests, error } of await under((reply) => reply)) {
        expect({ name: poll.name, error, isMore: requests > poll.calls }).toEqual({ name: poll.name, isMore: false });
      }
    });

    if (Object.keys(source.hosts).length === 0) return;

    test('waits as long as a 429 asks, then goes on', async () => {
      const { observations, slept } = await afterOne({
        status: 429,
        headers: { 'retry-after': '7' },
        body: '{"error":"slow down"}',
      });
      expect(said(observations)).toEqual(said(await whole()));
      expect(slept).toContain(7_000);
    });

    test('bears a 503', async () => {
      const { observations } = await afterOne({ status: 503, body: 'upstream' });
      expect(said(observations)).toEqual(said(await whole()));
    });

    test.each([
      ['a web page in place of data', { body: '<!DOCTYPE html><html><body>Just a moment…</body></html>' }],
      ['JSON of another shape', json({ unexpected: { nested: [1, 2, 3] } })],
      [
        '200 with an error',
        json({ error: 'rate limit', status: { error_code: 429 }, retCode: 10006, code: '50011', msg: 'Too Many' }),
      ],
      ['an empty answer', { body: '' }],
      ['null', { body: 'null' }],
    ])('%s is an error that can be told', async (_name, reply: Reply) => {
      for (const { poll, error } of await under(() => reply)) {
        expect({ poll: poll.name, isTold: error instanceof TributaryError }).toEqual({ poll: poll.name, isTold: true });
      }
    });

    test('invents nothing from an answer that is cut short', async () => {
      const good = valuesOf(await whole());
      for (const share of [0.5, 0.9, 0.99]) {
        for (const outcome of await under((reply) => ({ ...reply, body: cut(reply.body, share) }))) {
          for (const { series, observedAt, value } of told(outcome)) {
            const known = good.get(`${series} ${observedAt}`);
            if (known !== undefined) expect({ series, value }).toEqual({ series, value: known });
          }
        }
      }
    });

    test('numbers that have become null or words are an error or left out', async () => {
      for (const word of ['null', '"n/a"']) {
        for (const outcome of await under((reply) => ({ ...reply, body: withoutNumbers(reply.body, word) }))) {
          expect(told(outcome).filter(({ value }) => !Number.isFinite(value))).toEqual([]);
        }
      }
    });

    test('an answer that has stood still keeps its time', async () => {
      const good = valuesOf(await whole());
      const server = await serve(sample.answers);
      const outcome = await observe(source, server, { ...options, now: sample.now + FOUR_HUNDRED_DAYS }).catch(() => undefined);
      for (const { series, observedAt } of outcome?.observations ?? []) {
        if (sample.undated?.includes(declaredName(source, series)) === true) continue;
        expect(good.has(`${series} ${observedAt}`) ? '' : `${series} says it is of ${new Date(observedAt).toISOString()}`).toBe(
          '',
        );
      }
    });

    test.each([401, 403, 451])('%i is an error at once, without a second try', async (status) => {
      for (const { poll, error, requests } of await under(() => ({ status, body: '{"error":"not for you"}' }))) {
        expect(error).toMatchObject({ code: 'TRB_HTTP_FORBIDDEN', canRetry: false });
        expect(requests).toBeLessThanOrEqual(poll.calls);
      }
    });

    if (source.key === undefined) return;

    test('tells nobody its key', async () => {
      const server = await serve(() => ({ status: 403, body: `{"error":"bad key ${KEY}"}` }));
      const error: unknown = await observe(source, server, options).catch((thrown: unknown) => thrown);
      expect(String((error as Error).stack)).not.toContain(KEY);
      for (const { path, query } of server.requests) expect(`${path}?${query.toString()}`).not.toContain(KEY);
      expect(JSON.stringify(server.requests[0]!.headers)).toContain(KEY);
    });
  });
}

type Fault = (reply: Reply, request: RecordedRequest) => Reply;

/** The values of a poll that ended well; another's error must be one that can be told. */
function told({ observations, error }: PollOutcome): readonly Observation[] {
  if (observations === undefined) expect(error).toBeInstanceOf(TributaryError);
  return observations ?? [];
}

/** The sample's answers, each through `fault`. */
function through(answers: Answers, fault: Fault): Answers {
  return Object.fromEntries(
    Object.entries(answers).map(([path, answer]) => [
      path,
      (request: RecordedRequest) => {
        const reply = typeof answer === 'function' ? answer(request) : answer;
        return reply === undefined || reply === 'hang' ? reply : fault(reply, request);
      },
    ]),
  );
}

/** The first request meets `reply`, later ones the host. */
function once(reply: Reply): (good: Reply) => Reply {
  let isFirst = true;
  return (good) => {
    const answer = isFirst ? reply : good;
    isFirst = false;
    return answer;
  };
}

/** What was said, whatever the time. */
function said(observations: readonly Observation[]): readonly string[] {
  return observations.map(({ series, value }) => `${series} ${value}`);
}

function valuesOf(observations: readonly Observation[]): Map<string, number> {
  return new Map(observations.map(({ series, observedAt, value }) => [`${series} ${observedAt}`, value]));
}

/** About `share` of the text, so that it ends within a number where that can be. */
function cut(body: string, share: number): string {
  const from = Math.floor(body.length * share);
  const inNumber = body.slice(0, from + 1).search(/\d\d[^\d]*$/);
  return inNumber > 0 ? body.slice(0, inNumber + 1) : body.slice(0, from);
}

function withoutNumbers(body: string, word: string): string {
  try {
    return JSON.stringify(replaceNumbers(JSON.parse(body), JSON.parse(word)));
  } catch {
    return body.replaceAll(/(?<=[,;\t])-?\d+(?:\.\d+)?(?=[,;\t\r\n]|$)/g, word.replaceAll('"', ''));
  }
}

function replaceNumbers(value: unknown, word: unknown): unknown {
  if (typeof value === 'number') return word;
  if (typeof value === 'string') return value !== '' && Number.isFinite(Number(value)) ? word : value;
  if (Array.isArray(value)) return value.map((item) => replaceNumbers(item, word));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaceNumbers(item, word)]));
}

function isDeclared(source: ContextSource, series: string): boolean {
  return source.series.some(({ name }) => name === declaredName(source, series));
}

/** `market_cap.BTC` -> `market_cap.{asset}`, where it is declared so. */
function declaredName({ series: declared }: ContextSource, series: string): string {
  const match = declared.find(({ name }) => {
    const [before = '', after] = name.split('{asset}');
    return after === undefined
      ? name === series
      : series.startsWith(before) && series.endsWith(after) && series.length > name.length - 7;
  });
  return match?.name ?? series;
}
