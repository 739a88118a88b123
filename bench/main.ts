/**
 * `npm run bench [-- --json FILE]`: what a frame, an event, a record, a score and a decision cost on this machine. Absolute figures move with
 * the machine; each ratio pairs two figures of the same run.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchDecision } from './decision.ts';
import { benchFold } from './fold.ts';
import { benchFrames } from './frames.ts';
import { benchIndicators } from './indicators.ts';
import { benchLog } from './log.ts';
import { type Figure, line } from './measure.ts';
import { benchNetworks } from './networks.ts';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const figures: Figure[] = [];
for (const bench of [benchFrames, benchIndicators, benchFold, benchLog, benchDecision, benchNetworks]) {
  for (const figure of await bench()) {
    figures.push(figure);
    process.stdout.write(`${line(figure)}\n`);
  }
}
if (values.json !== undefined) {
  const rows = figures.map(({ name, value, unit, runs, against = null, ratio = null }) => ({
    name,
    value,
    unit,
    runs,
    against,
    ratio,
  }));
  await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}
