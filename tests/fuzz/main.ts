/** `npm run fuzz -- --seconds N [--seed N]`: hostile input for that long; prints inputs tried and crashes, and fails where there is one. */
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } } });
const end = Date.now() + Number(values.seconds) * 1000;
const { tried, crashes } = await fuzz(Number(values.seed), () => Date.now() >= end);
for (const crash of crashes.slice(0, 20)) process.stdout.write(`${crash}\n`);
process.stdout.write(`inputs ${tried}, crashes ${crashes.length}, seed ${values.seed}\n`);
process.exitCode = crashes.length === 0 ? 0 : 1;
