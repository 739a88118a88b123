/**
 * What is on the wire stays readable: of each message there is an example whose bytes another implementation made (`npm run golden` adds what is
 * missing), and ours reads and writes exactly these. The JSON of `signals-json` likewise.
 */
import { expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { toJson } from '#libs/signals/json.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { goldenFile, readProto, ROOT } from './messages.ts';

interface Codec {
  decode(bytes: Uint8Array): unknown;
  encode(message: unknown): { finish(): Uint8Array };
  fromJSON(json: unknown): unknown;
  toJSON(message: unknown): unknown;
}

const Golden = z.array(z.object({ json: z.record(z.string(), z.unknown()), bytes: z.string() })).min(1);
const { messages } = readProto();
const read = (file: string): z.output<typeof Golden> => Golden.parse(JSON.parse(readFileSync(file, 'utf8')));

test('each message has a golden file, and each golden file a message', () => {
  const files = readdirSync(join(import.meta.dirname, 'golden')).filter((name) => name !== 'signals-json.json');
  expect(files.sort()).toEqual(messages.map((message) => basename(goldenFile(message))).sort());
});

test.each(messages.filter((message) => existsSync(goldenFile(message))))('$name', async (message) => {
  const golden = read(goldenFile(message));
  const set = new Set(golden.flatMap(({ json }) => Object.keys(json)));
  // A field that is new: delete the file and run `npm run golden`; nothing but the new bytes may change in it.
  expect([...set].sort()).toEqual(message.fields.map(({ jsonName }) => jsonName).sort());
  const generated = (await import(join(ROOT, 'libs/wire', message.module))) as Record<string, Codec>;
  const codec = generated[message.name.split('.').at(-1)!]!;
  for (const { json, bytes } of golden) {
    expect(Buffer.from(codec.encode(codec.fromJSON(json)).finish()).toString('hex')).toBe(bytes);
    expect(codec.toJSON(codec.decode(Buffer.from(bytes, 'hex')))).toEqual(json);
  }
});

test('signals-json says what it always said', () => {
  const { bytes } = read(join(import.meta.dirname, 'golden', 'tributary.v1.Signal.json'))[0]!;
  const file = join(import.meta.dirname, 'golden', 'signals-json.json');
  expect(toJson(Signal.decode(Buffer.from(bytes, 'hex')))).toEqual(JSON.parse(readFileSync(file, 'utf8')));
});
