/** What can be said of the image without an engine: how it is built and as whom it runs. docker/build.sh itself: image.suite.ts. */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const lines = readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
const of = (instruction: string): string[] =>
  lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

describe('docker/Dockerfile', () => {
  test('has two stages on one image that is named by its digest', () => {
    expect(of('FROM')).toEqual(['${NODE_IMAGE} AS build', '${NODE_IMAGE}']);
    expect(of('ARG')[0]).toMatch(/^NODE_IMAGE=node:22\.\d+\.\d+-[a-z]+-slim@sha256:[0-9a-f]{64}$/);
  });

  test('copies what is there, and the engine is sent all of it', () => {
    const copied = of('COPY').filter((line) => !line.startsWith('--from'));
    const sources = copied.flatMap((line) => line.split(' ').slice(0, -1));
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
    expect(sources.filter((source) => !ignored.includes(`!${source.split('/')[0]!}`))).toEqual([]);
    expect(ignored).toContain('*');
  });

  test('runs the script that a test runs', () => {
    expect(of('RUN').filter((line) => line.includes('docker/build.sh /app'))).toHaveLength(1);
  });

  test('ends as a user by number that is not root, with a health check and labels', () => {
    expect(of('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(lines.indexOf(`USER ${of('USER')[0]!}`)).toBeGreaterThan(lines.findLastIndex((line) => /^(RUN|COPY)/.test(line)));
    expect(of('HEALTHCHECK')[0]).toMatch(/CMD \["node", "docker\/healthcheck\.js"\]$/);
    expect(of('LABEL')[0]).toMatch(/org\.opencontainers\.image\.revision=/);
  });
});
