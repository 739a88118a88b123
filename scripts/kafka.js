/**
 * Runs a throw-away Kafka on loopback until Ctrl-C: `node scripts/kafka.js` prints its address; everything in it is gone when it stops.
 *   --announce FILE   write the address there instead (the tests' shared broker)
 *   --owner PID       stop when that process is gone
 */
import { renameSync, writeFileSync } from 'node:fs';
import { setInterval } from 'node:timers';
import { parseArgs } from 'node:util';
import { tsImport } from 'tsx/esm/api';

const { values } = parseArgs({ options: { announce: { type: 'string' }, owner: { type: 'string' } } });
const { missingForBroker, startBroker } = await tsImport('../tests/kafka/broker.ts', import.meta.url);

function announce(message) {
  if (values.announce === undefined) return;
  writeFileSync(`${values.announce}.new`, JSON.stringify({ keeper: process.pid, ...message }));
  renameSync(`${values.announce}.new`, values.announce);
}

function fail(error) {
  console.error(error);
  announce({ brokers: [], error });
  process.exit(1);
}

function ownerIsAlive() {
  try {
    return process.kill(Number(values.owner), 0);
  } catch {
    return false;
  }
}

// Leaving is all it takes: the broker is killed, and its directory removed, when this process exits.
process.on('SIGINT', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
if (values.owner !== undefined) setInterval(() => ownerIsAlive() || process.exit(0), 500);

const missing = missingForBroker();
if (missing !== undefined) fail(`No Kafka here: ${missing}. Install Java 17 and Maven.`);
const broker = await startBroker().catch((error) => fail(error.message));
announce({ brokers: broker.brokers });
console.log(`KAFKA_BROKERS=${broker.brokers.join(',')}`);
// Holds the process open.
setInterval(() => undefined, 60_000);
