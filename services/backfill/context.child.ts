/** Test tool: fetches a source's history into the store in CONTEXT_TEST until it is killed. */
import { systemClock } from '#libs/clock/clock.ts';
import { openStore } from '#libs/store/open.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { example } from '#services/context/testing/example.ts';
import { runContextBackfill } from './context.ts';

const [from, to] = process.env['RANGE']!.split('-').map(Number);
await runContextBackfill({
  store: await openStore({ path: process.env['CONTEXT_TEST']! }),
  ...{ sources: [example], assets: ['BTC'], from: from!, to: to! },
  environment: { EXAMPLE_KEY: 'any' },
  baseUrl: () => process.env['BASE_URL']!,
  ...{ clock: systemClock, logger: createLogger({ level: 'silent' }), signal: new AbortController().signal },
});
