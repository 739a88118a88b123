/**
 * The delivery suite (tests/delivery): prints a line a scenario.
 *   --json FILE   write the lines there too
 *   --bars        fail, too, where recovery takes longer than it may: for a machine that has nothing else to do
 *   --long        outages ten times as long as in CI, and scenarios that CI has no time for
 *   --defaults    the brokers' and the services' own sessions instead of two seconds
 *   --only REGEX  only the scenarios whose name matches
 *   --rate N      book updates and trades a second that the simulator makes; default 3800
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    bars: { type: 'boolean' },
    defaults: { type: 'boolean' },
    long: { type: 'boolean' },
    only: { type: 'string' },
    rate: { type: 'string' },
  },
});
const given = {
  DELIVERY_JSON: values.json === undefined ? undefined : resolve(values.json),
  DELIVERY_BARS: values.bars === true ? 'yes' : undefined,
  DELIVERY_DEFAULTS: values.defaults === true ? 'yes' : undefined,
  DELIVERY_LONG: values.long === true ? 'yes' : undefined,
  DELIVERY_ONLY: values.only,
  DELIVERY_RATE: values.rate,
};
const env = { ...process.env, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
const jest = ['scripts/test.js', '--config', 'jest.suites.config.js', 'tests/delivery'];
const { status } = spawnSync(process.execPath, jest, { stdio: 'inherit', env });
process.exit(status ?? 1);
