/**
 * Nothing lost, nothing twice: every service on three real brokers, the simulator's live traffic, and one fault after another; then what
 * the run left in its log against what should be there. `npm run test:delivery -- --json FILE --long --only REGEX`.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { trustIn } from '#libs/registry/operator-key.ts';
import { openStore } from '#libs/store/open.ts';
import { auditArchive, type AuditLine } from '#services/archive/audit.ts';
import { describeWithKafka } from '#tests/kafka/shared.ts';
import { type Evidence, examine } from './evidence.ts';
import { type Line, lineOf, rowOf, textOf, type Window } from './report.ts';
import { Rig, type VenueName, VENUES } from './rig.ts';
import { SCENARIOS } from './scenarios.ts';

const { DELIVERY_BARS, DELIVERY_DEFAULTS, DELIVERY_JSON, DELIVERY_LONG, DELIVERY_ONLY, DELIVERY_RATE = '3800' } = process.env;
/** CI's outages are a tenth of the long ones. */
const SCALE = DELIVERY_LONG === undefined ? 1 : 10;
const LONGEST_MS = 1_500_000 * SCALE;
/** The last decisions of one minute are settled. */
const AFTERMATH_MS = 66_000;
/** Findings that a failure shows; their numbers stand beside. */
const SHOWN = 20;
const chosen = SCENARIOS.filter(({ name, isLong }) =>
  DELIVERY_ONLY === undefined ? DELIVERY_LONG !== undefined || isLong !== true : new RegExp(DELIVERY_ONLY).test(name),
);

describeWithKafka('delivery', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-delivery-'));
  let rig: Rig | undefined;
  let evidence: Evidence;
  let lines: readonly Line[];
  let undrained: readonly string[];
  /** How often each venue's connection was replaced by a new one. */
  let rotations: ReadonlyMap<VenueName, number>;
  let audit: readonly AuditLine[];
  /** Records of `ticks` a second. */
  let rate: number;
  /** How many copies of a record topics want before it is acknowledged. */
  let acknowledging: readonly (string | undefined)[];

  beforeAll(async () => {
    const begun = Date.now();
    const started = await Rig.start(folder, {
      rate: Number(DELIVERY_RATE),
      withinMs: LONGEST_MS,
      hasShortSessions: DELIVERY_DEFAULTS === undefined,
      snapshotEveryMs: 10_000,
      hasBystanders: chosen.some(({ needsBystanders }) => needsBystanders === true),
    });
    rig = started;
    try {
      acknowledging = await started.acknowledging();
      const begin = Date.now();
      const windows = await runScenarios(started);
      await delay(AFTERMATH_MS);
      await started.untilArchived(60_000);
      undrained = await started.stop();
      rotations = new Map(VENUES.map((venue) => [venue, started.timesSaid(`ingest-${venue}`, 'replaced by a new one')]));
      const seconds = (Date.now() - begin) / 1000;
      const probes = await started.probe.finish();
      const ledger = await started.ledger();
      evidence = await examine(started.log, ledger, trustIn(`${join(folder, 'operator.pem')}.pub`));
      rate = evidence.ticks / seconds;
      lines = windows.map((window, index) => lineOf(window, evidence, ledger, probes[index]!));
      const store = await openStore({ url: started.store.url });
      audit = await auditArchive(started.log, store).finally(() => store.close());
      for (const line of lines) {
        process.stdout.write(`${textOf(line)}\n`);
        if (line.recovery > line.bar) process.stderr.write(`${line.scenario}, the last that came late: ${lastLate(line)}\n`);
      }
      process.stdout.write(
        `${rate.toFixed(0)} records of ticks a second; ${evidence.signals} decisions, ${evidence.outcomes} outcomes; ` +
          `connections replaced ${[...rotations].map(([venue, times]) => `${times} times (${venue})`).join(', ')}; ` +
          `${((Date.now() - begun) / 60_000).toFixed(1)} minutes\n`,
      );
      if (DELIVERY_JSON !== undefined) writeFileSync(DELIVERY_JSON, `${JSON.stringify(lines.map(rowOf), undefined, 2)}\n`);
    } catch (thrown) {
      process.stderr.write(`${started.tails()}\n`);
      throw thrown;
    }
  }, LONGEST_MS + 300_000);

  afterAll(async () => {
    await rig?.close();
    if (process.env['DELIVERY_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test.each(chosen.map(({ name }) => name))('%s', (name) => {
    const line = lines.find(({ scenario }) => scenario === name)!;
    const { lost, doubled, outOfOrder, recovery, bar, findings } = line;
    const shown = findings.slice(0, SHOWN);
    expect({ lost, doubled, outOfOrder, shown }).toEqual({ lost: 0, doubled: 0, outOfOrder: 0, shown: [] });
    // On a machine that has other work too, it says more about that work.
    if (DELIVERY_BARS !== undefined && recovery > bar)
      throw new Error(`recovery took ${recovery.toFixed(1)} s of ${bar}; the last that came late: ${lastLate(line)}`);
  });

  test('of the whole run too, each vector, decision and outcome stands in the log once, with the value of the offline fold', () => {
    expect(evidence.findings.slice(0, SHOWN)).toEqual([]);
    expect(evidence.signals).toBeGreaterThan(0);
    expect(evidence.outcomes).toBeGreaterThan(0);
  });

  test('the archive holds what the log holds, by count and checksum', () => {
    expect(audit.filter(({ isEqual }) => !isEqual)).toEqual([]);
    expect(audit.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(evidence.ticks / 2);
  });

  test('of three copies two must have what is acknowledged', () => {
    expect(acknowledging).toEqual(['2']);
  });

  // A chosen part may be over before a connection is old enough.
  (DELIVERY_ONLY === undefined ? test : test.skip)('the connection of each venue was replaced by a new one meanwhile', () => {
    for (const times of rotations.values()) expect(times).toBeGreaterThan(0);
  });

  test('each process drains and ends with 0 when told to stop', () => {
    expect(undrained).toEqual([]);
  });
});

async function runScenarios(rig: Rig): Promise<Window[]> {
  const begun: Omit<Window, 'to'>[] = [];
  for (const scenario of chosen) {
    if (scenario.at !== undefined) await untilSecond(scenario.at);
    const from = Date.now();
    rig.probe.mark();
    const outcome = await scenario.run(rig, SCALE);
    process.stderr.write(`${scenario.name}: done after ${Math.round((Date.now() - from) / 1000)} s\n`);
    begun.push({ scenario, from, done: Date.now(), outcome });
  }
  return begun.map((window, index) => ({ ...window, to: begun[index + 1]?.from ?? Infinity }));
}

/** Of the minute on the wall clock. */
async function untilSecond(second: number): Promise<void> {
  const wait = second * 1000 - (Date.now() % 60_000);
  await delay(wait < 0 ? wait + 60_000 : wait);
}

/** Of each thing that came late at a time, the last. */
function lastLate({ late }: Line): string {
  const last = new Map(late.map((each) => [`${each.what} ${each.due}`, each]));
  return JSON.stringify([...last.values()].slice(-8));
}
