/** Debian's Chromium for tests of the page; where there is none the suite says so, and in CI that is a failure. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PATHS = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Path of a browser, or undefined with a notice of what is left out. Throws in CI. */
export function findChromium(suite: string): string | undefined {
  const found = PATHS.find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  const notice = `${suite} left out: no Chromium (apt-get install chromium, or set CHROMIUM to its path)`;
  if (process.env['CI'] === 'true') throw new Error(notice);
  process.stderr.write(`${notice}\n`);
  return undefined;
}

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS });
}
