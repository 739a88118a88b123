/** What the columns of stored vectors mean, and a wide view of the vectors of one schema for people and training. */
import { z } from 'zod';
import { TributaryError } from '../errors/errors.ts';
import { type FeatureSchema } from '../features/schema.ts';
import { type Store } from './port.ts';

/**
 * Records the schema and makes its view `features_ID`: the vector's own columns, then one per feature, named `name@version`.
 * Idempotent. Throws `TRB_STORE_QUERY` when the id stands for other columns already.
 */
export async function registerFeatureSchema(store: Store, schema: FeatureSchema): Promise<void> {
  const held = (await readFeatureSchemas(store)).find(({ id }) => id === schema.id);
  if (held !== undefined && held.columns.join() !== schema.columns.join()) {
    throw new TributaryError('TRB_STORE_QUERY', `Schema ${schema.id} is stored with other columns.`);
  }
  if (held === undefined) {
    await store.insert('feature_schemas', ['id', 'columns'], [[schema.id, schema.columns]], schema.id);
  }
  const columns = schema.columns.map((name, index) => `values[${index + 1}] AS \`${name.replaceAll('`', '')}\``);
  await store.execute(`CREATE VIEW IF NOT EXISTS ${featureView(schema.id)} AS
    SELECT asset, venue, instrument, t, lane, quality, last_price, bid, ask, ${columns.join(', ')}
    FROM features FINAL WHERE schema_id = '${schema.id.replaceAll(/[\\']/g, '')}'`);
}

export function readFeatureSchemas(store: Store): Promise<FeatureSchema[]> {
  return store.query('SELECT id, columns FROM feature_schemas FINAL', z.object({ id: z.string(), columns: z.array(z.string()) }));
}

export function featureView(schemaId: string): string {
  return `features_${schemaId.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 16)}`;
}
