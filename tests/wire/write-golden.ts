/**
 * `npm run golden`: an example of each message of proto/ that has none yet, as JSON and as bytes; the bytes are buf's, which knows nothing of our
 * generated code. Those that are there stay: what was written once has to be read for ever.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { buf, goldenFile, readProto } from './messages.ts';

const proto = readProto();
for (const message of proto.messages) {
  const file = goldenFile(message);
  if (existsSync(file)) continue;
  mkdirSync(dirname(file), { recursive: true });
  const rows = proto.examples(message).map((json) => {
    const convert = ['convert', 'proto', '--type', message.name, '--from', '-#format=json', '--to', '-#format=binpb'];
    return { json, bytes: buf(convert, JSON.stringify(json)).toString('hex') };
  });
  writeFileSync(file, `${JSON.stringify(rows, undefined, 1)}\n`);
}
