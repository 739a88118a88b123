/** OpenAPI 3.1 of the gateway, out of its routes' own schemas. */
import { z } from 'zod';
import { errorJson, type Answer, type Route, ROUTES } from './api.ts';

type Json = Readonly<Record<string, unknown>>;

export function openApi(version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    paths[route.path] ??= {};
    paths[route.path]![route.method.toLowerCase()] = operation(name, route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tributary',
      version,
      description: 'Signals of a running instance. What each field means, and how to act on it: docs/signals.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    // An instance without tokens asks for none.
    security: [{}, { token: [] }],
    paths,
    components: { schemas: components(), securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function operation(operationId: string, { summary, query, accepts = {}, body, answers }: Route): Json {
  const { properties = {} } =
    query === undefined ? {} : (z.toJSONSchema(query, { io: 'input' }) as { properties?: Record<string, Json> });
  const inQuery = Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    description,
    schema,
  }));
  const inHeader = Object.entries(accepts).map(([name, description]) => ({
    ...{ name, in: 'header', description, schema: { type: 'string' } },
  }));
  const parameters = [...inQuery, ...inHeader];
  return {
    operationId,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: { [body]: {} } } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([code, answer]) => [code, response(answer)])),
      default: response({
        description: 'The caller is not let in, asks too often, or asks for what is not there.',
        schema: errorJson,
      }),
    },
  };
}

function response({ description, type = 'application/json', schema, headers }: Answer): Json {
  const named = Object.entries(headers ?? {}).map(
    ([name, about]) => [name, { description: about, schema: { type: 'string' } }] as const,
  );
  return {
    description,
    ...(named.length > 0 && { headers: Object.fromEntries(named) }),
    content: { [type]: schema === undefined ? {} : { schema: jsonSchema(schema) } },
  };
}

const toComponent = (id: string): string => `#/components/schemas/${id}`;

/** What has an id is a component and referred to. */
function jsonSchema(schema: z.ZodType): Json {
  const given = z.globalRegistry.get(schema)?.id;
  if (given !== undefined) return { $ref: toComponent(given) };
  return referring(without(z.toJSONSchema(schema, OPTIONS), '$schema', '$defs'));
}

const OPTIONS = { reused: 'inline' } as const;

function components(): Json {
  const found: Record<string, Json> = {};
  for (const { answers } of Object.values<Route>(ROUTES)) {
    for (const { schema } of Object.values(answers)) {
      if (schema === undefined) continue;
      const whole = z.toJSONSchema(schema, OPTIONS);
      const own = without(whole, '$schema', '$defs');
      const id = z.globalRegistry.get(schema)?.id;
      for (const [name, definition] of Object.entries({ ...whole.$defs, ...(id !== undefined && { [id]: own }) })) {
        found[name] = referring(without(definition, 'id'));
      }
    }
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => a.localeCompare(b)));
}

function without(schema: object, ...names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));
}

function referring(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}
