/** A secret reaches whom it is for, and nobody who prints, logs or serialises what holds it. */
import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { readSecret, Secret } from './secret.ts';

test('nothing that prints it shows it', () => {
  const secret = new Secret('hunter2');
  const holder = { kafka: { password: secret }, list: [secret] };
  const logged: string[] = [];
  pino({}, { write: (line: string) => logged.push(line) }).info({ holder, secret }, `with ${String(secret)}`);
  const shown = [String(secret), JSON.stringify(holder), inspect(holder, { depth: 9, showHidden: true }), ...logged];
  expect(shown.filter((text) => text.includes('hunter2'))).toEqual([]);
  expect(logged[0]).toContain('(secret)');
  expect(secret.reveal()).toBe('hunter2');
});

test('comes from the environment, or from a file, which wins; white space around it is no part of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-secret-'));
  try {
    const file = join(folder, 'password');
    writeFileSync(file, 'from a file\n');
    expect(readSecret('KAFKA_PASSWORD', {})).toBeUndefined();
    expect(readSecret('KAFKA_PASSWORD', { KAFKA_PASSWORD: '', KAFKA_PASSWORD_FILE: '' })).toBeUndefined();
    expect(readSecret('KAFKA_PASSWORD', { KAFKA_PASSWORD: 'plain' })?.reveal()).toBe('plain');
    expect(readSecret('KAFKA_PASSWORD', { KAFKA_PASSWORD: 'plain', KAFKA_PASSWORD_FILE: file })?.reveal()).toBe('from a file');
    expect(() => readSecret('KAFKA_PASSWORD', { KAFKA_PASSWORD: 'plain', KAFKA_PASSWORD_FILE: join(folder, 'gone') })).toThrow(
      expect.objectContaining({ code: 'TRB_SECRET', message: expect.stringMatching(/^KAFKA_PASSWORD_FILE cannot be read/) }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
