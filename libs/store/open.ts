/**
 * Opens the store: ClickHouse embedded in this process on a data directory, or a server by URL; both through @clickhouse/client.
 * Errors of opening: `TRB_STORE_OPTIONS`, `TRB_STORE_IN_USE` (the directory has another owner), `TRB_STORE_UNAVAILABLE`; later ones: see port.ts.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { TributaryError } from '../errors/errors.ts';
import { Secret } from '../secrets/secret.ts';
import { TlsSettings } from '../secrets/tls.ts';
import { type Backend } from './backend.ts';
import { storeError } from './failures.ts';
import { type Row, type Store } from './port.ts';
import { rowBinaryEncoder } from './row-binary.ts';
import { openServer } from './server.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const Embedded = z.object({
  path: z.string().min(1).describe('Data directory; made when absent. One owner at a time.'),
  connections: z.number().int().min(1).max(8).default(3).describe('Statements that run at the same time.'),
  maxMemoryBytes: z
    .number()
    .int()
    .positive()
    .default(512 * 1024 * 1024)
    .describe('Most memory of one query, bytes.'),
});
const Server = z.object({
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => new URL(url).username === '' && new URL(url).password === '', 'no user and no password in the URL')
    .describe('http(s)://host:port of the server.'),
  username: z.string().default('default').describe('User (CLICKHOUSE_USER).'),
  password: z.instanceof(Secret).default(new Secret('')).describe('Password (CLICKHOUSE_PASSWORD). Default: none.'),
  database: z.string().regex(NAME).default('tributary').describe('Database; made when absent.'),
  timeoutMs: z.number().int().positive().default(30_000).describe('Milliseconds a statement may take.'),
  cluster: z
    .string()
    .regex(/^(\{\w+\}|[\w.-]+)$/)
    .optional()
    .describe('Its cluster, or the macro that names it: tables are made ON CLUSTER and replicated. Default: one server.'),
  tls: TlsSettings.optional().describe(
    'Of an https URL: whose certificate is believed, and our own. Default: what Node believes.',
  ),
});

export type StoreOptions = z.input<typeof Embedded> | z.input<typeof Server>;

export async function openStore(options: StoreOptions): Promise<Store> {
  if ('path' in options) {
    const { path, connections, maxMemoryBytes } = Embedded.parse(options);
    const { openEmbedded } = await loadEmbedded();
    return new ClickHouse(await openEmbedded(path, connections, maxMemoryBytes));
  }
  const parsed = Server.safeParse(options);
  if (!parsed.success) throw new TributaryError('TRB_STORE_OPTIONS', `Options of the store: ${z.prettifyError(parsed.error)}`);
  const settings = parsed.data;
  try {
    return new ClickHouse(await openServer(settings));
  } catch (thrown) {
    throw storeError(thrown, 'be opened');
  }
}

/** Loaded only where it is used: it is large (half a gigabyte), and an image of the services that use a server goes without it. */
const loadEmbedded = () =>
  import('./embedded.ts').catch((cause: unknown) => {
    throw new TributaryError('TRB_STORE_UNAVAILABLE', 'The embedded ClickHouse is not part of this installation.', {
      hint: 'Use a server (--clickhouse URL), or install the package chdb.',
      cause,
    });
  });

/** Rows encoded before the event loop gets its turn. */
const ENCODE_ROWS = 250;

class ClickHouse implements Store {
  readonly #backend: Backend;
  #closing: Promise<void> | undefined;
  readonly #types = new Map<string, Promise<ReadonlyMap<string, string>>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async insert(table: string, columns: readonly string[], rows: readonly Row[], token: string): Promise<void> {
    if (rows.length === 0) return;
    for (const name of [table, ...columns]) requireName(name);
    const encode = rowBinaryEncoder(columns, await this.#columnTypes(table, columns));
    const parts: Buffer[] = [];
    for (let start = 0; start < rows.length; start += ENCODE_ROWS) {
      if (start > 0) await nextTurn();
      parts.push(encode(rows.slice(start, start + ENCODE_ROWS)));
    }
    const into = `INSERT INTO ${table} (${columns.map((column) => `\`${column}\``).join(', ')})`;
    // One block a batch, so that the token stands for all of it.
    const settings = `SETTINGS async_insert = 0, insert_deduplicate = 1, insert_deduplication_token = '${token.replaceAll(/[\\']/g, '\\$&')}'`;
    await attempt(`insert into ${table}`, this.#backend.insert({ into, settings }, Buffer.concat(parts)));
  }

  async query<T>(sql: string, row: z.ZodType<T>, parameters: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    return check(await attempt('answer', this.#backend.query(sql, parameters)), row);
  }

  async *stream<T>(sql: string, row: z.ZodType<T>, parameters: Readonly<Record<string, unknown>> = {}): AsyncGenerator<T[]> {
    try {
      for await (const rows of this.#backend.stream(sql, parameters)) yield check(rows, row);
    } catch (thrown) {
      throw storeError(thrown, 'answer');
    }
  }

  async execute(sql: string): Promise<void> {
    this.#types.clear();
    await attempt('run the statement', this.#backend.execute(sql));
  }

  close(): Promise<void> {
    this.#closing ??= this.#backend.close();
    return this.#closing;
  }

  async #columnTypes(table: string, columns: readonly string[]): Promise<string[]> {
    let known = this.#types.get(table);
    if (known === undefined) {
      known = this.#readTypes(table);
      this.#types.set(table, known);
      known.catch(() => this.#types.delete(table));
    }
    const types = await known;
    return columns.map((column) => {
      const type = types.get(column);
      if (type === undefined) {
        throw new TributaryError('TRB_STORE_QUERY', `Table ${table} has no column ${column}.`, { hint: 'Run the migrations.' });
      }
      return type;
    });
  }

  async #readTypes(table: string): Promise<ReadonlyMap<string, string>> {
    const sql = 'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}';
    const rows = await this.query(sql, z.object({ name: z.string(), type: z.string() }), { table });
    if (rows.length === 0) {
      throw new TributaryError('TRB_STORE_QUERY', `There is no table ${table}.`, { hint: 'Run the migrations.' });
    }
    return new Map(rows.map(({ name, type }) => [name, type]));
  }
}

async function attempt<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw storeError(thrown, what);
  }
}

function check<T>(rows: readonly unknown[], row: z.ZodType<T>): T[] {
  const checked = z.array(row).safeParse(rows);
  if (checked.success) return checked.data;
  throw new TributaryError('TRB_STORE_QUERY', `ClickHouse answered rows of another shape: ${z.prettifyError(checked.error)}`);
}

function requireName(name: string): void {
  if (!NAME.test(name)) throw new TributaryError('TRB_STORE_QUERY', `"${name}" is no name of a table or column.`);
}
