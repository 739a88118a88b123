/** A ClickHouse server over HTTP. */
import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createClient } from '@clickhouse/client';
import { type Secret } from '../secrets/secret.ts';
import { ANSWER_SETTINGS, type Backend } from './backend.ts';
import { CLUSTER_INSERT_SETTINGS, onCluster } from './cluster.ts';

export interface ServerOptions {
  readonly url: string;
  readonly username: string;
  readonly password: Secret;
  readonly database: string;
  readonly timeoutMs: number;
  /** Undefined = one server. */
  readonly cluster?: string | undefined;
  readonly tls?:
    { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: Secret | undefined } | undefined;
}

export async function openServer({
  url,
  username,
  password,
  database,
  timeoutMs,
  cluster,
  tls,
}: ServerOptions): Promise<Backend> {
  const define = (statement: string): string => (cluster === undefined ? statement : onCluster(statement, cluster));
  const options = {
    url,
    username,
    password: password.reveal(),
    ...(tls !== undefined && { http_agent: new Agent({ keepAlive: true, ...tls, key: tls.key?.reveal() }) }),
    request_timeout: timeoutMs,
    // Inserts as they are: a third of what one costs would be its compression.
    compression: { request: false, response: true },
    clickhouse_settings: ANSWER_SETTINGS,
    application: 'tributary',
    log: { level: 127 },
  } as const;
  const first = createClient(options);
  try {
    await first.command({ query: define(`CREATE DATABASE IF NOT EXISTS \`${database}\``) });
  } finally {
    await first.close();
  }
  const client = createClient({ ...options, database });

  return {
    async insert({ into, settings }, bytes) {
      const values = Readable.from([bytes], { objectMode: false });
      const all = cluster === undefined ? settings : `${settings}, ${CLUSTER_INSERT_SETTINGS}`;
      const { stream } = await client.exec({ query: `${into} ${all} FORMAT RowBinary`, values });
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
      await client.command({ query: define(sql) });
    },
    close: () => client.close(),
  };
}
