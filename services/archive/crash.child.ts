/** Test tool: archives the log in ARCHIVE_TEST until it is killed; says `inserted` after each insert, and hangs before the Nth commit. */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { withCommit } from '#libs/log/testing/with-commit.ts';
import { openStore } from '#libs/store/open.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { ARCHIVE_GROUP, runArchive } from './service.ts';

const folder = process.env['ARCHIVE_TEST']!;
let commitsLeft = Number(process.env['COMMITS']);

const log = await openEmbeddedLog({ path: join(folder, 'log') });
const store = await openStore({ path: join(folder, 'store') });
/** The batch is in the store, and its offset is not committed: the worst moment. */
const dying = withCommit(log, async (commit) => {
  if (commit.group === ARCHIVE_GROUP && commitsLeft-- <= 0) {
    process.stdout.write('inserted\n');
    await new Promise(() => undefined);
  }
  await log.commit(commit);
});
const context = {
  ...{ log: dying, clock: systemClock, logger: createLogger({ level: 'silent' }), metrics: new Registry() },
  ...{ health: new Health(), source: 'sim' as const },
};
await runArchive(context, { store, batchRows: Number(process.env['BATCH_ROWS']), flushMs: 0 }, new AbortController().signal);
