/** A ClickHouse server over HTTP. */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createClient } from '@clickhouse/client';
import { ANSWER_SETTINGS, type Backend } from './backend.ts';

export interface ServerOptions {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  readonly timeoutMs: number;
}

export async function openServer({ database, timeoutMs, ...access }: ServerOptions): Promise<Backend> {
  const options = {
    ...access,
    request_timeout: timeoutMs,
    compression: { request: true, response: true },
    clickhouse_settings: ANSWER_SETTINGS,
    application: 'tributary',
    log: { level: 127 },
  } as const;
  const first = createClient(options);
  try {
    await first.command({ query: `CREATE DATABASE IF NOT EXISTS \`${database}\`` });
  } finally {
    await first.close();
  }
  const client = createClient({ ...options, database });

  return {
    async insert({ into, settings }, bytes) {
      const values = Readable.from([bytes], { objectMode: false });
      const { stream } = await client.exec({ query: `${into} ${settings} FORMAT RowBinary`, values });
      stream.resume();
      await finished(stream);
    },
    async query(sql, parameters) {
      const answer = await client.query({ query: sql, query_params: parameters, format: 'JSONEachRow' });
      return answer.json();
    },
    async *stream(sql, parameters) {
      const answer = await client.query({ query: sql, query_params: parameters, format: 'JSONEachRow' });
      for await (const rows of answer.stream()) yield rows.map((row) => row.json());
    },
    async execute(sql) {
      await client.command({ query: sql });
    },
    close: () => client.close(),
  };
}
