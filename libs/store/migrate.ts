/**
 * Brings a store to this version's tables: each file of migrations/ runs once, in order, and is recorded. Statements are idempotent, so one
 * that was cut off simply runs again, and two that start together do no harm.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TributaryError } from '../errors/errors.ts';
import { type Source } from '../service/service.ts';
import { type Store } from './port.ts';

const FOLDER = join(import.meta.dirname, 'migrations');
const Recorded = z.object({ version: z.number(), checksum: z.string() });

/** Returns the names of the migrations it ran. Throws `TRB_STORE_MIGRATION` when the store is of a newer or an altered version. */
export async function migrate(store: Store): Promise<string[]> {
  await store.execute(`CREATE TABLE IF NOT EXISTS migrations (version UInt32, name String, checksum String, applied_at DateTime DEFAULT now())
    ENGINE = ReplacingMergeTree ORDER BY version SETTINGS non_replicated_deduplication_window = 100`);
  const recorded = new Map(
    (await store.query('SELECT version, checksum FROM migrations FINAL', Recorded)).map((row) => [row.version, row.checksum]),
  );
  const files = (await readdir(FOLDER)).filter((name) => /^\d{4}-.*\.sql$/.test(name)).sort();
  const newest = Math.max(0, ...files.map(versionOf));
  const ahead = [...recorded.keys()].filter((version) => version > newest);
  if (ahead.length > 0)
    throw refuse(
      `The store has migration ${ahead.join(', ')}, which this version does not know.`,
      'Use a newer version of Tributary.',
    );

  const ran: string[] = [];
  for (const name of files) {
    const version = versionOf(name);
    const text = await readFile(join(FOLDER, name), 'utf8');
    const checksum = createHash('sha256').update(text).digest('hex');
    const before = recorded.get(version);
    if (before === checksum) continue;
    if (before !== undefined) throw refuse(`Migration ${name} was changed after it ran.`, 'Put the change into a new migration.');
    for (const statement of statementsOf(text)) await store.execute(statement);
    await store.insert('migrations', ['version', 'name', 'checksum'], [[version, name, checksum]], `migration-${version}`);
    ran.push(name);
  }
  return ran;
}

/** Marks the store as holding data of this source; throws `TRB_STORE_SOURCE` when it holds another's: they are never mixed. */
export async function bindSource(store: Store, source: Source): Promise<void> {
  const rows = await store.query("SELECT value FROM store_info FINAL WHERE key = 'source'", z.object({ value: z.string() }));
  const held = rows[0]?.value;
  if (held === undefined) await store.insert('store_info', ['key', 'value'], [['source', source]], 'source');
  else if (held !== source) {
    throw new TributaryError('TRB_STORE_SOURCE', `This store holds ${held} data; ${source} data does not go into it.`, {
      hint: 'Use another data directory or database.',
    });
  }
}

function versionOf(name: string): number {
  return Number(name.slice(0, 4));
}

/** The statements of a migration's text. */
export function statementsOf(text: string): string[] {
  return text
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function refuse(message: string, hint: string): TributaryError {
  return new TributaryError('TRB_STORE_MIGRATION', message, { hint });
}
