/** docs/signals.md says what the wire, the JSON schema and the code say. */
import { expect, test } from '@jest/globals';
import { loadSync } from '@grpc/proto-loader';
import { readFileSync } from 'node:fs';
import { BLOCKING, QUALITY } from '#libs/features/quality.ts';
import { signalJson } from '#libs/signals/json.ts';
import { ABSTAIN_REASONS } from '#services/inference/decide.ts';

const document = readFileSync('docs/signals.md', 'utf8');
/** Cells of the table under a header that begins so. */
function table(header: string): string[][] {
  const [, rows = ''] = document.split(`| ${header}`);
  return rows
    .split('\n\n')[0]!
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));
}

test('its fields are those of the message, in their order, and of the JSON', () => {
  const rows = table('Protobuf | JSON');
  const { type } = loadSync('proto/tributary/v1/signals.proto', { keepCase: true })['tributary.v1.Signal'] as unknown as {
    type: { field: { name: string }[] };
  };
  expect(rows.map(([name]) => name)).toEqual(type.field.map(({ name }) => name));
  const json = rows.map(([, name]) => name!).filter((name) => name !== '');
  expect(json).toEqual(Object.keys(signalJson.shape));
  expect(rows.filter(([, , meaning]) => meaning === '')).toEqual([]);
});

test('it names every reason to abstain and every quality bit, and which of them block', () => {
  expect(
    table('`abstain_reason` | why')
      .map(([reason]) => reason)
      .sort(),
  ).toEqual([...ABSTAIN_REASONS].sort());
  const bits = table('bit | name').map(([bit, name, blocks]) => [name, 2 ** Number(bit), blocks === 'yes']);
  expect(bits).toEqual(Object.entries(QUALITY).map(([name, bit]) => [name, bit, (BLOCKING & bit) !== 0]));
});
