/**
 * The tables on a cluster: the same statements as on one server, `ON CLUSTER` and with replicated engines. Paths in Keeper are the server's
 * own default (by the table's UUID and the macros shard and replica), so that a table made anew never meets an old one's.
 */
const OBJECT =
  /^\s*(CREATE (?:TABLE|VIEW|MATERIALIZED VIEW|DATABASE) IF NOT EXISTS|ALTER TABLE|DROP (?:TABLE|VIEW) IF EXISTS)\s+(`[^`]+`|[\w.]+)/i;
const ENGINE = /\bENGINE = (\w*MergeTree)\b/g;

/** Inserts are acknowledged by a majority of the replicas: one that is lost takes nothing with it. */
export const CLUSTER_INSERT_SETTINGS = "insert_quorum = 'auto'";

/** `statement` for every server of the cluster; what makes and changes nothing is left as it is. `cluster` is a name or a macro. */
export function onCluster(statement: string, cluster: string): string {
  if (!OBJECT.test(statement)) return statement;
  return statement
    .replace(OBJECT, `$1 $2 ON CLUSTER '${cluster}'`)
    .replaceAll(ENGINE, 'ENGINE = Replicated$1')
    .replaceAll('non_replicated_deduplication_window', 'replicated_deduplication_window');
}
