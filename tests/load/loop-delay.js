/**
 * Preloaded into what is under load: how late its event loop is, over as long as is asked for. The service's own metric begins anew with each scrape.
 * SIGUSR2 writes what there was since the last one to the file LOOP_DELAY_FILE, seconds, the interval between two looks (10 ms) included.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env.LOOP_DELAY_FILE;
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.on('SIGUSR2', () => {
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((nanoseconds) => nanoseconds / 1e9);
  delay.reset();
  writeFileSync(`${file}.part`, JSON.stringify({ p50, p99, max }));
  renameSync(`${file}.part`, file);
});
