/**
 * ClickHouse in this process (chdb), on one data directory, which has one owner at a time.
 *
 * - A connection runs its statements one after another: a small pool of them on the same path runs in parallel.
 * - `clickhouse_settings` of a request become SET on the session and stay: an `insert_deduplication_token` left behind makes later
 *   inserts vanish. So settings are written into the SQL, and what holds for every statement is SET once, at opening.
 * - Bytes sent with an INSERT are taken for UTF-8 and spoilt: they go through a file in memory (tmpfs) and INFILE.
 * - `client.query` holds the whole answer; `queryStream` does not, but binds no parameters: they are SET on its connection first.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { access, mkdtemp, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { type ChdbConnection, createChdbConnection } from 'chdb/connection';
import { drainPending } from 'chdb';
import { ANSWER_SETTINGS, type Backend } from './backend.ts';
import { openError } from './failures.ts';

type ClientConnection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;

interface Connection {
  readonly client: ClickHouseClient;
  readonly chdb: ChdbConnection['chdb'];
}

/** Rows in a block: what one step of a stream holds the event loop for. */
const BLOCK_ROWS = 8192;

export async function openEmbedded(path: string, connections: number, maxMemoryBytes: number): Promise<Backend> {
  const pool = await Pool.open(path, connections, [
    `output_format_json_quote_64bit_integers = ${ANSWER_SETTINGS.output_format_json_quote_64bit_integers}`,
    `max_block_size = ${BLOCK_ROWS}`,
    `max_memory_usage = ${maxMemoryBytes}`,
  ]);
  const scratch = await mkdtemp(join(await memoryFolder(), 'tributary-store-'));
  let files = 0;

  return {
    async insert({ into, settings }, bytes) {
      const file = join(scratch, `${files++}.rows`);
      try {
        await writeFile(file, bytes);
        await pool.use(({ client }) => client.command({ query: `${into} FROM INFILE '${file}' ${settings} FORMAT RowBinary` }));
      } finally {
        await unlink(file).catch(() => undefined);
      }
    },
    query: (sql, parameters) =>
      pool.use(async ({ client }) => {
        const answer = await client.query({ query: sql, query_params: parameters, format: 'JSONEachRow' });
        return answer.json();
      }),
    async *stream(sql, parameters) {
      const connection = await pool.take();
      try {
        for (const [name, value] of Object.entries(parameters)) {
          await connection.client.command({ query: `SET param_${name} = ${literal(value)}` });
        }
        for await (const chunk of connection.chdb.queryStream(sql, { format: 'JSONEachRow' })) yield chunk.rows();
      } finally {
        pool.give(connection);
      }
    },
    async execute(sql) {
      await pool.use(({ client }) => client.command({ query: sql }));
    },
    async close() {
      await pool.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The text of a parameter as SET param_… takes it: strings bare within the quotes, arrays as array literals. */
function literal(value: unknown): string {
  const text = Array.isArray(value)
    ? `[${value.map((item) => (typeof item === 'string' ? quote(item) : String(item))).join(',')}]`
    : String(value);
  return quote(text);
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

async function memoryFolder(): Promise<string> {
  const shared = '/dev/shm';
  return access(shared).then(
    () => shared,
    () => tmpdir(),
  );
}

class Pool {
  readonly #all: readonly Connection[];
  readonly #idle: Connection[];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  private constructor(connections: readonly Connection[]) {
    this.#all = connections;
    this.#idle = [...connections];
  }

  static async open(path: string, size: number, settings: readonly string[]): Promise<Pool> {
    const connections: Connection[] = [];
    try {
      mkdirSync(path, { recursive: true });
      for (let index = 0; index < size; index++) {
        const connection = createChdbConnection({ path });
        // chdb brings its own copy of the client's types; the contract is the same.
        const client = createClient({ connection: connection as unknown as ClientConnection });
        connections.push({ client, chdb: connection.chdb });
        for (const setting of settings) await client.command({ query: `SET ${setting}` });
      }
    } catch (thrown) {
      for (const { client } of connections) await client.close();
      throw openError(thrown, path);
    }
    return new Pool(connections);
  }

  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.take();
    try {
      return await work(connection);
    } finally {
      this.give(connection);
    }
  }

  take(): Promise<Connection> {
    const idle = this.#idle.pop();
    return idle === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(idle);
  }

  give(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next(connection);
  }

  /** Waits for the statements in hand: closing under a running one aborts the engine for the rest of the process. */
  async close(): Promise<void> {
    for (let index = 0; index < this.#all.length; index++) await this.take();
    for (const { client } of this.#all) await client.close();
    await drainPending();
  }
}
