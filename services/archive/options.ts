/** Which store a command works on. */
import { Option } from 'commander';
import { TributaryError } from '#libs/errors/errors.ts';
import { type StoreOptions } from '#libs/store/open.ts';

/** What `storeOptions` parse to. */
export interface StoreChoice {
  readonly clickhouse?: string | undefined;
  readonly clickhouseUser: string;
  readonly clickhousePassword: string;
  readonly clickhouseDatabase: string;
  readonly store?: string | undefined;
}

export const storeOptions = (): Option[] => [
  new Option('--clickhouse <url>', 'ClickHouse server, http(s)://host:port').env('CLICKHOUSE_URL'),
  new Option('--clickhouse-user <name>').env('CLICKHOUSE_USER').default('default'),
  new Option('--clickhouse-password <text>').env('CLICKHOUSE_PASSWORD').default('', 'none'),
  new Option('--clickhouse-database <name>').env('CLICKHOUSE_DATABASE').default('tributary'),
  new Option('--store <path>', 'directory of an embedded ClickHouse, instead of a server').env('TRIBUTARY_STORE'),
];

/** Throws `TRB_USAGE` unless exactly one store is named. */
export function toStoreOptions(choice: StoreChoice): StoreOptions {
  const { clickhouse, store } = choice;
  if (clickhouse !== undefined && store === undefined) {
    const { clickhouseUser: username, clickhousePassword: password, clickhouseDatabase: database } = choice;
    return { url: clickhouse, username, password, database };
  }
  if (store !== undefined && clickhouse === undefined) return { path: store };
  throw new TributaryError('TRB_USAGE', 'Name one store.', {
    hint: 'Give --clickhouse URL (CLICKHOUSE_URL) or --store PATH (TRIBUTARY_STORE).',
  });
}
