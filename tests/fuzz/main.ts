/** `npm run fuzz -- --seconds N [--seed N]`: hostile input for that long; prints inputs tried, crashes and hangs, and fails where there is one. */
import { parseArgs } from 'node:util';
import { fuzz, textOf } from './run.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } } });
const end = Date.now() + Number(values.seconds) * 1000;
const seed = Number(values.seed);
const findings = await fuzz(seed, () => Date.now() >= end);
const { crashes } = findings;
for (const crash of crashes.slice(0, 20)) process.stdout.write(`${crash}\n`);
process.stdout.write(textOf(findings, seed));
process.exitCode = crashes.length === 0 ? 0 : 1;
