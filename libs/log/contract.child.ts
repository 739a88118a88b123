/** Appends without end and prints how many records are acknowledged, for contract.test.ts to kill. */
import { openEmbeddedLog } from './embedded.ts';
import { openKafkaLog } from './kafka.ts';

const address = JSON.parse(process.argv[2]!) as { path: string } & { brokers: string[]; topicPrefix: string };
const log = 'path' in address ? await openEmbeddedLog(address) : await openKafkaLog(address);
for (let count = 0; ;) {
  const records = Array.from({ length: 100 }, (_, i) => Buffer.from(`kept-${count + i}`));
  await log.append(records.map((value) => ({ topic: 'ticks', key: '', value, partition: 0 })));
  count += records.length;
  process.stdout.write(`${count}\n`);
}
