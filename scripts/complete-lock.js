/**
 * Completes package-lock.json with the platform-only optional dependencies that the registry did not offer
 * while the lock was written. Without them `npm ci` stops with EUSAGE "Missing … from lock file".
 * Run after every change of the dependencies: `npm run lock`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const [name, entry] of Object.entries(lock.packages)) {
  for (const [dependency, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${name}/node_modules/${dependency}`;
    const hoisted = `node_modules/${dependency}`;
    if (lock.packages[nested] || lock.packages[hoisted]) continue;
    lock.packages[hoisted] = published(dependency, range);
    added.push(`${dependency}@${lock.packages[hoisted].version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'package-lock.json is complete' : `added ${added.join(', ')}`);

/** The lock entry of a package as the registry describes it, or, where it has no answer, as its name does (`…-linux-arm64`). */
function published(dependency, range) {
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    const answer = JSON.parse(execFileSync('npm', ['view', `${dependency}@${range}`, '--json'], options));
    const found = Array.isArray(answer) ? answer.at(-1) : answer;
    const { version, cpu, os, libc, license, engines } = found;
    return { version, integrity: found.dist.integrity, cpu, license, optional: true, os, libc, engines };
  } catch {
    const part = (names) => names.filter((name) => new RegExp(`\\b${name}\\b`).test(dependency));
    const os = part(['darwin', 'linux', 'win32', 'freebsd', 'openbsd', 'android', 'aix', 'sunos']);
    const cpu = part(['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x']);
    const version = /\d+\.\d+\.\d+[\w.-]*/.exec(range)[0];
    return { version, ...(cpu.length ? { cpu } : {}), optional: true, ...(os.length ? { os } : {}) };
  }
}
