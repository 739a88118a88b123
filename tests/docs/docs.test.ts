/** What the documents name is there, and what is there is named. */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SOURCES } from '#services/context/sources/registry.ts';

const ROOT = join(import.meta.dirname, '../..');
const files = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, String(name)));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('.env.example', () => {
  test('lists every environment variable that an option or a source reads, and no other', () => {
    const code = files('services').filter((path) => path.endsWith('.ts'));
    const inCode = new Set(
      code.flatMap((path) => [...read(path).matchAll(/\.env\(\s*'([A-Z_]+)',?\s*\)/g)].map((match) => match[1]!)),
    );
    for (const path of code) for (const [, name] of read(path).matchAll(/readSecret\('([A-Z_]+)'/g)) inCode.add(name!);
    const ofSources = code.filter(
      (path) => path.startsWith(join('services', 'context', 'sources')) && !path.endsWith('.test.ts'),
    );
    for (const path of ofSources) for (const [, name] of read(path).matchAll(/process\.env\['([A-Z_]+)'\]/g)) inCode.add(name!);
    for (const { key } of SOURCES) if (key !== undefined) inCode.add(key.env);
    const testsOnly = ['TRIBUTARY_DATA', 'TRIBUTARY_CACHE', 'CHROMIUM'];
    const listed = [...read('.env.example').matchAll(/^#([A-Z_]+)=/gm)].map((match) => match[1]!);
    expect(listed.filter((name) => !testsOnly.includes(name)).sort()).toEqual([...inCode].sort());
  });
});

describe('links', () => {
  const documents = ['README.md', ...files('docs').filter((path) => path.endsWith('.md'))];

  test.each(documents)('%s links to files that exist', (document) => {
    const links = [...read(document).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(join(ROOT, dirname(document), link)))).toEqual([]);
  });
});

test('every service has a main.ts and is in docs/architecture.md', () => {
  const services = readdirSync(join(ROOT, 'services')).filter((name) => name !== 'cli');
  expect(services.filter((name) => !existsSync(join(ROOT, 'services', name, 'main.ts')))).toEqual([]);
  expect(services.filter((name) => !read('docs/architecture.md').includes(`services/${name}`))).toEqual([]);
});
