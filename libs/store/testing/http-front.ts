/**
 * A stand-in for a ClickHouse server, for tests only: HTTP in front of an embedded ClickHouse, enough for @clickhouse/client's normal path
 * (parameters, compressed answers, error codes), and it can be taken down for a while or fail single inserts.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { drainPending, Session } from 'chdb';
import { messageOf } from '../../errors/errors.ts';

/**
 * Of one insert: its connection is cut while its rows come, so that it is not made; it is made and cut before the answer; it is made and the
 * answer does not come before the client gives up.
 */
export type InsertFault = 'cut within' | 'cut after' | 'unanswered';

export interface HttpFront {
  readonly url: string;
  /** What happens to the next inserts, one each, the first one first. */
  readonly faults: InsertFault[];
  /** Statements that were run, oldest first. */
  readonly statements: string[];
  /** Refuses connections and cuts those there are, without answering what is in hand. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

export interface FrontSecurity {
  /** Served over TLS; `requestCert`: clients have to show a certificate. Default: unencrypted. */
  readonly tls?: ServerOptions;
  /** `user:password` that is let in. */
  readonly login: string;
}

/** `configuration`: a file of the server's settings, XML. */
export async function startHttpFront(path: string, security?: FrontSecurity, configuration?: string): Promise<HttpFront> {
  const connectionArgs = configuration === undefined ? [] : [`--config-file=${configuration}`];
  const session = new Session(path, { connectionArgs });
  const statements: string[] = [];
  const faults: InsertFault[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams } = new URL(request.url!, 'http://front');
    const fault = searchParams.get('query')?.startsWith('INSERT') === true ? faults.shift() : undefined;
    if (fault === 'cut within') {
      request.once('data', () => request.destroy());
      return;
    }
    const body = await buffer(request);
    if (security !== undefined && !isLogin(request, security.login)) {
      response.writeHead(403, { 'x-clickhouse-exception-code': '516' }).end('Code: 516. DB::Exception: Authentication failed.');
      return;
    }
    const work = turn.then(() => run(searchParams, body));
    turn = work.catch(() => undefined);
    const { status, headers, bytes } = await work.then(
      (result) => ({ status: 200, headers: {}, bytes: result }),
      (thrown: unknown) => ({
        status: 500,
        headers: { 'x-clickhouse-exception-code': codeOf(thrown) },
        bytes: Buffer.from(messageOf(thrown)),
      }),
    );
    if (fault === 'cut after') request.destroy();
    if (fault !== undefined) return;
    const gzip = (request.headers['accept-encoding'] ?? '').includes('gzip');
    response
      .writeHead(status, { ...headers, ...(gzip ? { 'content-encoding': 'gzip' } : {}) })
      .end(gzip ? gzipSync(bytes) : bytes);
  }

  async function run(query: URLSearchParams, body: Buffer): Promise<Uint8Array> {
    let sql = query.get('query');
    if (sql === null) sql = body.toString();
    else if (body.length > 0) {
      const file = join(path, 'posted.rows');
      writeFileSync(file, body);
      sql = sql.replace(' SETTINGS', ` FROM INFILE '${file}' SETTINGS`);
    }
    const database = query.get('database');
    if (database !== null && database !== 'default') await session.queryAsync(`USE ${database}`);
    for (const [name, value] of query) {
      const setting = name.startsWith('param_') || name.startsWith('output_format');
      if (setting) await session.queryAsync(`SET ${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`);
    }
    statements.push(sql);
    return (await session.queryAsync(sql)).bytes();
  }

  let port = 0;
  let server: Server | undefined;
  const front: HttpFront = {
    get url() {
      return `${security?.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    },
    statements,
    faults,
    async down() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      await new Promise<void>((resolve) => {
        closing.close(() => resolve());
        closing.closeAllConnections();
      });
    },
    async up() {
      const listener = (request: IncomingMessage, response: ServerResponse): void => {
        answer(request, response).catch(() => response.destroy());
      };
      const opening = security?.tls === undefined ? createServer(listener) : createSecureServer(security.tls, listener);
      await new Promise<void>((resolve) => opening.listen(port, '127.0.0.1', resolve));
      port = (opening.address() as AddressInfo).port;
      server = opening;
    },
    async stop() {
      await front.down();
      await turn;
      session.close();
      await drainPending();
    },
  };
  await front.up();
  return front;
}

function isLogin({ headers }: IncomingMessage, login: string): boolean {
  return headers.authorization === `Basic ${Buffer.from(login).toString('base64')}`;
}

function codeOf(thrown: unknown): string {
  return /Code: (\d+)/.exec(messageOf(thrown))?.[1] ?? '0';
}
