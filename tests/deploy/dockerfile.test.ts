/**
 * What can be said of the images without an engine: how they are built and as whom they run. docker/build.sh itself: image.suite.ts; what
 * trainer-gpu stages: trainer-gpu.suite.ts.
 */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
const LABELS = /org\.opencontainers\.image\.revision=/;
const NODE = /^NODE_IMAGE=node:22\.\d+\.\d+-[a-z]+-slim@sha256:[0-9a-f]{64}$/;

function read(path: string) {
  const lines = readFileSync(join(ROOT, path), 'utf8')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const of = (instruction: string): string[] =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
  return { lines, of };
}

describe.each(['docker/Dockerfile', 'docker/trainer-gpu/Dockerfile'])('%s', (path) => {
  const { lines, of } = read(path);

  test('copies what is there, and the engine is sent all of it', () => {
    const copied = of('COPY').filter((line) => !line.startsWith('--from'));
    const sources = copied.flatMap((line) => line.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
    expect(sources.filter((source) => !ignored.includes(`!${source.split('/')[0]!}`))).toEqual([]);
    expect(ignored).toContain('*');
  });

  test('copies from stages that are there', () => {
    const stages = of('FROM').flatMap((line) => line.split(' AS ').slice(1));
    const from = of('COPY').flatMap((line) => /^--from=(\S+)/.exec(line)?.slice(1) ?? []);
    expect(from.filter((stage) => !stages.includes(stage))).toEqual([]);
  });

  test('ends as a user by number that is not root, with labels, and starts the one binary', () => {
    expect(of('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(lines.indexOf(`USER ${of('USER')[0]!}`)).toBeGreaterThan(lines.findLastIndex((line) => /^(RUN|COPY)/.test(line)));
    expect(of('LABEL')[0]).toMatch(LABELS);
    expect(of('ENTRYPOINT')).toEqual(['["node", "/app/bin/tributary.js"]']);
  });
});

describe('docker/Dockerfile', () => {
  const { of } = read('docker/Dockerfile');

  test('has two stages on one image that is named by its digest', () => {
    expect(of('FROM')).toEqual(['${NODE_IMAGE} AS build', '${NODE_IMAGE}']);
    expect(of('ARG')[0]).toMatch(NODE);
  });

  test('runs the script that a test runs', () => {
    expect(of('RUN').filter((line) => line.includes('docker/build.sh /app'))).toHaveLength(1);
  });

  test('has a health check', () => {
    expect(of('HEALTHCHECK')[0]).toMatch(/CMD \["node", "docker\/healthcheck\.js"\]$/);
  });
});

describe('docker/trainer-gpu/Dockerfile', () => {
  const { lines, of } = read('docker/trainer-gpu/Dockerfile');

  test('is CUDA by its digest, built and run on the same one, with the node and the sources of the services', () => {
    expect(of('FROM')).toEqual([
      '${NODE_IMAGE} AS node',
      '${SERVICES_IMAGE} AS services',
      '${CUDA_IMAGE} AS tensorflow',
      '${CUDA_IMAGE}',
    ]);
    const [node, cuda] = of('ARG');
    expect(node).toMatch(NODE);
    expect(read('docker/Dockerfile').of('ARG')[0]).toBe(node);
    expect(cuda).toMatch(/^CUDA_IMAGE=nvidia\/cuda:12\.2\.\d-cudnn8-runtime-ubuntu22\.04@sha256:[0-9a-f]{64}$/);
  });

  test('stages TensorFlow for a GPU where training looks for it', () => {
    expect(of('RUN').filter((line) => line.includes('stage-tensorflow.js --gpu'))).toHaveLength(1);
    const caches = lines.flatMap((line) => /TRIBUTARY_CACHE=(\S+)/.exec(line)?.slice(1) ?? []);
    expect(caches).toEqual(['/opt/tributary', '/opt/tributary']);
    expect(of('COPY')).toContain('--from=tensorflow /opt/tributary /opt/tributary');
  });

  test('is a job, which nobody asks whether it is healthy', () => {
    expect(of('HEALTHCHECK')).toEqual(['NONE']);
  });
});
