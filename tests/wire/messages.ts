/** The messages of proto/ as its compiler sees them, and an example of each that sets every field. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';

export const ROOT = join(import.meta.dirname, '../..');

const Field = z.object({
  name: z.string(),
  number: z.int(),
  jsonName: z.string(),
  type: z.string(),
  label: z.string(),
  typeName: z.string().default(''),
  oneofIndex: z.int().optional(),
  proto3Optional: z.boolean().default(false),
});
const Message = z.object({ name: z.string(), field: z.array(Field).default([]) });
const Enum = z.object({ name: z.string(), value: z.array(z.object({ name: z.string() })) });
const Image = z.object({
  file: z.array(
    z.object({
      ...{ name: z.string(), package: z.string() },
      messageType: z.array(Message).default([]),
      enumType: z.array(Enum).default([]),
    }),
  ),
});

type FieldShape = z.output<typeof Field>;
export interface MessageShape {
  /** With its package. */
  readonly name: string;
  /** Generated module, below libs/wire. */
  readonly module: string;
  readonly fields: readonly FieldShape[];
}
type Json = Readonly<Record<string, unknown>>;

export interface Proto {
  readonly messages: readonly MessageShape[];
  /** JSON of the message: one for each case of its oneof, one where it has none. */
  examples(message: MessageShape): readonly Json[];
}

export function buf(args: readonly string[], input?: string): Buffer {
  return execFileSync(join(ROOT, 'node_modules/.bin/buf'), [...args], { cwd: ROOT, input, maxBuffer: 1e8 });
}

export function readProto(): Proto {
  const { file } = Image.parse(JSON.parse(buf(['build', '-o', '-#format=json']).toString()));
  const messages = file.flatMap(({ name, package: of, messageType }) =>
    messageType.map((message) => ({
      name: `${of}.${message.name}`,
      module: name.replace(/\.proto$/, '.ts'),
      fields: message.field,
    })),
  );
  const byName = new Map<string, MessageShape>(messages.map((message) => [`.${message.name}`, message]));
  const enums = new Map<string, string>(
    file.flatMap(({ package: of, enumType }) =>
      enumType.map(({ name, value }) => [`.${of}.${name}`, value.at(-1)!.name] as const),
    ),
  );

  function valueOf(field: FieldShape, place: number, depth: number): unknown {
    const number = field.number * 100 + place;
    switch (field.type) {
      case 'TYPE_STRING':
        return `${field.name} ${place}`;
      case 'TYPE_BYTES':
        return Buffer.from(`${field.name} ${place}`).toString('base64');
      case 'TYPE_BOOL':
        return true;
      case 'TYPE_DOUBLE':
      case 'TYPE_FLOAT':
        return number + 0.5;
      case 'TYPE_ENUM':
        return enums.get(field.typeName);
      case 'TYPE_MESSAGE':
        return exampleOf(byName.get(field.typeName)!, 0, depth + 1);
      default:
        // A time in microseconds needs more than 32 bits.
        return field.type.endsWith('64') ? 2 ** 41 + number : number;
    }
  }

  /** Of several members of a oneof, the one at `chosen`; messages that hold themselves end after some levels. */
  function exampleOf({ fields }: MessageShape, chosen: number, depth: number): Json {
    const cases = fields.filter(isCase);
    const set = fields.filter(
      (field) => !(isCase(field) && field !== cases[chosen]) && (field.type !== 'TYPE_MESSAGE' || depth < 3),
    );
    return Object.fromEntries(
      set.map((field) => {
        const isList = field.label === 'LABEL_REPEATED';
        return [field.jsonName, isList ? [1, 2].map((place) => valueOf(field, place, depth)) : valueOf(field, 0, depth)];
      }),
    );
  }

  return {
    messages,
    examples: (message) =>
      Array.from({ length: Math.max(1, message.fields.filter(isCase).length) }, (_, chosen) => exampleOf(message, chosen, 0)),
  };
}

const isCase = ({ oneofIndex, proto3Optional }: FieldShape): boolean => oneofIndex !== undefined && !proto3Optional;

export const goldenFile = ({ name }: MessageShape): string => join(import.meta.dirname, 'golden', `${name}.json`);
