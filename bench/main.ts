/**
 * `npm run bench [-- --json [FILE]]`: what a frame, an event, a record, a score and a decision cost on this machine. Absolute figures move with
 * the machine; each ratio pairs two figures of the same run.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchCompression } from './compression.ts';
import { benchDecision } from './decision.ts';
import { benchDistance } from './distance.ts';
import { benchFold } from './fold.ts';
import { benchFrames } from './frames.ts';
import { benchIndicators } from './indicators.ts';
import { benchJudging } from './judging.ts';
import { benchLog } from './log.ts';
import { benchMemory } from './memory.ts';
import { type Figure, line } from './measure.ts';
import { benchNetworks } from './networks.ts';

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean', default: false } }, allowPositionals: true });
const [file] = positionals;
const isForPrograms = values.json && file === undefined;
const figures: Figure[] = [];
for (const bench of [
  benchFrames,
  benchIndicators,
  benchFold,
  benchMemory,
  benchLog,
  benchCompression,
  benchDecision,
  benchDistance,
  benchJudging,
  benchNetworks,
]) {
  for (const figure of await bench()) {
    figures.push(figure);
    if (!isForPrograms) process.stdout.write(`${line(figure)}\n`);
  }
}
if (values.json) {
  const rows = figures.map(({ name, value, unit, runs, against = null, ratio = null }) => ({
    name,
    value,
    unit,
    runs,
    against,
    ratio,
  }));
  const text = `${JSON.stringify(rows, null, 2)}\n`;
  if (file === undefined) process.stdout.write(text);
  else await writeFile(file, text);
}
