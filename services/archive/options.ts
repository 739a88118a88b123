/** Which store a command works on. */
import { Option } from 'commander';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Environment, readSecret } from '#libs/secrets/secret.ts';
import { type StoreOptions } from '#libs/store/open.ts';
import { readPair, readPem } from '#services/cli/tls.ts';

/** What `storeOptions` parse to. */
export interface StoreChoice {
  readonly clickhouse?: string | undefined;
  readonly clickhouseUser: string;
  readonly clickhouseCluster?: string | undefined;
  readonly clickhouseCa?: string | undefined;
  readonly clickhouseCert?: string | undefined;
  readonly clickhouseKey?: string | undefined;
  readonly clickhouseDatabase: string;
  readonly store?: string | undefined;
}

export const storeOptions = (): Option[] => [
  new Option(
    '--clickhouse <url>',
    'ClickHouse server, http(s)://host:port; the password is read from CLICKHOUSE_PASSWORD or CLICKHOUSE_PASSWORD_FILE',
  ).env('CLICKHOUSE_URL'),
  new Option('--clickhouse-user <name>').env('CLICKHOUSE_USER').default('default'),
  new Option('--clickhouse-database <name>').env('CLICKHOUSE_DATABASE').default('tributary'),
  new Option(
    '--clickhouse-cluster <name>',
    'make the tables on this cluster, replicated; a name or a macro such as {cluster}',
  ).env('CLICKHOUSE_CLUSTER'),
  new Option('--clickhouse-ca <file>', 'whose certificate of the server is believed, PEM; default: those that Node believes').env(
    'CLICKHOUSE_CA_FILE',
  ),
  new Option('--clickhouse-cert <file>', 'our own certificate, PEM, where the server asks for one').env('CLICKHOUSE_CERT_FILE'),
  new Option('--clickhouse-key <file>', 'its key, PEM').env('CLICKHOUSE_KEY_FILE'),
  new Option('--store <path>', 'directory of an embedded ClickHouse, instead of a server').env('TRIBUTARY_STORE'),
];

/** Reads the files and the password. Throws `TRB_USAGE` unless exactly one store is named, `TRB_SECRET`. */
export function toStoreOptions(choice: StoreChoice, environment: Environment = process.env): StoreOptions {
  const { clickhouse, store } = choice;
  if (clickhouse !== undefined && store === undefined) return serverOptions(choice, clickhouse, environment);
  if (store !== undefined && clickhouse === undefined) return { path: store };
  throw new TributaryError('TRB_USAGE', 'Name one store.', {
    hint: 'Give --clickhouse URL (CLICKHOUSE_URL) or --store PATH (TRIBUTARY_STORE).',
  });
}

function serverOptions(choice: StoreChoice, url: string, environment: Environment): StoreOptions {
  const { clickhouseUser: username, clickhouseDatabase: database, clickhouseCluster: cluster } = choice;
  const { clickhouseCa: ca, clickhouseCert: cert, clickhouseKey: key } = choice;
  const pair = readPair(['--clickhouse-cert', cert], ['--clickhouse-key', key]);
  const tls = { ...(ca !== undefined && { ca: readPem('--clickhouse-ca', ca) }), ...pair };
  if (Object.keys(tls).length > 0 && !url.startsWith('https:')) {
    throw new TributaryError('TRB_USAGE', 'Certificates are for an https URL of ClickHouse.', {
      hint: 'Write --clickhouse https://…',
    });
  }
  const password = readSecret('CLICKHOUSE_PASSWORD', environment);
  return {
    url,
    username,
    database,
    ...(password !== undefined && { password }),
    ...(cluster !== undefined && { cluster }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}
