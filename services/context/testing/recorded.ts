/**
 * A source against a real server on loopback that gives the answers of a test: what a source's polls make of them.
 *
 *     const server = await serveRecorded({ '/coins/markets': json([...]), '/global': file('coingecko/global.json') });
 *     const { observations } = await observe(source, server, { now });
 *
 * A key of the answers is the path that the source asks for, below its host's base URL; `host /path` where two hosts have the same path
 * (`host` as the source names it), `/path?query` where the query matters. The most exact key wins.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { createLogger } from '#libs/telemetry/logger.ts';
import { sharedData } from '#libs/history/shared-data.ts';
import { createSourceHttp, type SourceHttp } from '../sources/http.ts';
import { type ContextSource, type Observation, type Poll, type SourceContext } from '../sources/source.ts';

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RecordedRequest {
  readonly method: string;
  /** As the source names it. */
  readonly host: string;
  /** Below the host's base URL. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The same reply each time, or one for each request; undefined = 404, `hang` = none at all. */
export type Answer = Reply | ((request: RecordedRequest) => Reply | 'hang' | undefined);
export type Answers = Readonly<Record<string, Answer>>;

export interface RecordedServer {
  /** In order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** Base URL that stands for a host of a source. */
  baseUrl(host: string): string;
  /** From now on these answers. */
  answer(answers: Answers | Answer): void;
  close(): Promise<void>;
}

export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

export function text(body: string, status = 200): Reply {
  return { status, headers: { 'content-type': 'text/plain' }, body };
}

/** A file of TRIBUTARY_DATA (default ../shared/data), for instance `responses/coingecko/global.json`; undefined, with a notice, when absent. */
export function recordedFile(name: string): Reply | undefined {
  const path = sharedData(name);
  return path === undefined ? undefined : text(readFileSync(path, 'utf8'));
}

/** `answers`: by path, or one for everything. */
export async function serveRecorded(answers: Answers | Answer): Promise<RecordedServer> {
  const requests: RecordedRequest[] = [];
  let current = answers;
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://localhost');
      const [, host = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(url.pathname) ?? [];
      const { method = 'GET', headers } = incoming;
      const request = { method, host, path: rest, query: url.searchParams, headers, body };
      requests.push(request);
      const reply = find(current, request) ?? text('{"error":"no such path"}', 404);
      if (reply === 'hang') return;
      const { status = 200, headers: given, body: answer } = reply;
      response.writeHead(status, given).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    baseUrl: (host) => `http://127.0.0.1:${port}/${host}`,
    answer: (next) => (current = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function find(answers: Answers | Answer, request: RecordedRequest): Reply | 'hang' | undefined {
  const answer = isOne(answers) ? answers : byPath(answers, request);
  return typeof answer === 'function' ? answer(request) : answer;
}

function isOne(answers: Answers | Answer): answers is Answer {
  return typeof answers === 'function' || typeof answers.body === 'string';
}

function byPath(answers: Answers, { host, path, query }: RecordedRequest): Answer | undefined {
  const full = `${path}?${query.toString()}`;
  return answers[`${host} ${full}`] ?? answers[full] ?? answers[`${host} ${path}`] ?? answers[path];
}

export interface ObserveOptions {
  /** What the source's clock says, milliseconds. It advances by what the client sleeps, and nobody waits. */
  readonly now: number;
  /** Default BTC and ETH. */
  readonly assets?: readonly string[];
  readonly key?: string;
  readonly files?: Readonly<Record<string, string>>;
}

export interface Observed {
  readonly observations: readonly Observation[];
  /** Milliseconds that the client waited, in order. */
  readonly slept: readonly number[];
}

/** A source's context, with `server` in the place of all its hosts. */
export function recordedContext(
  source: ContextSource,
  server: Pick<RecordedServer, 'baseUrl'>,
  { now, assets = ['BTC', 'ETH'], key, files = {} }: ObserveOptions,
): SourceContext & { readonly slept: readonly number[] } {
  const slept: number[] = [];
  let time = now;
  const clock = {
    now: () => time,
    nowMicros: () => time * 1000,
    sleep: (ms: number) => {
      slept.push(ms);
      time += ms;
      return Promise.resolve();
    },
  };
  const headers = key === undefined ? {} : (source.key?.headers(key) ?? {});
  const http: Record<string, SourceHttp> = {};
  for (const [name, settings] of Object.entries(source.hosts)) {
    // The rate is for others to test: here it would only fill `slept`.
    const local = { ...settings, baseUrl: server.baseUrl(name), ratePerSecond: 1000, burst: 1000 };
    http[name] = createSourceHttp(local, { clock, headers, random: () => 0 });
  }
  return { http, assets, clock, logger: createLogger({ level: 'silent' }), hasKey: key !== undefined, files, slept };
}

/** Runs every poll once, in order; rejects with the first error. */
export async function observe(source: ContextSource, server: RecordedServer, options: ObserveOptions): Promise<Observed> {
  const context = recordedContext(source, server, options);
  const observations: Observation[] = [];
  for (const poll of source.polls(context)) observations.push(...(await poll.run(new AbortController().signal)));
  return { observations, slept: context.slept };
}

export interface PollOutcome {
  readonly poll: Poll;
  readonly observations?: readonly Observation[];
  readonly error?: unknown;
  /** How many the poll made. */
  readonly requests: number;
}

/** Runs every poll once, whatever becomes of the others. */
export async function observeEach(
  source: ContextSource,
  server: RecordedServer,
  options: ObserveOptions,
): Promise<readonly PollOutcome[]> {
  const outcomes: PollOutcome[] = [];
  for (const { name } of source.polls(recordedContext(source, server, options))) {
    // A client for each: one poll's failures open the circuit for the next.
    const poll = source.polls(recordedContext(source, server, options)).find((each) => each.name === name)!;
    const before = server.requests.length;
    const result = await poll.run(new AbortController().signal).then(
      (observations) => ({ observations }),
      (error: unknown) => ({ error }),
    );
    outcomes.push({ poll, ...result, requests: server.requests.length - before });
  }
  return outcomes;
}

/** What `history` gives of [from, to), all blocks together. */
export async function observeHistory(
  source: ContextSource,
  server: RecordedServer,
  range: { readonly from: number; readonly to: number },
  options: ObserveOptions,
): Promise<Observed> {
  const context = recordedContext(source, server, options);
  const observations: Observation[] = [];
  for await (const block of source.history?.(context, range) ?? []) observations.push(...block);
  return { observations, slept: context.slept };
}
