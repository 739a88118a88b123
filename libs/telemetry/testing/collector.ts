/** An OpenTelemetry collector, as far as it takes OTLP's JSON over HTTP: it refuses what is not of that form, and keeps the spans. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const nanoseconds = z.string().regex(/^\d{19}$/);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
]);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value }))
  .transform((pairs) => Object.fromEntries(pairs.map((pair) => [pair.key, Object.values(pair.value)[0]!])));
const Request = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string() }),
          spans: z.array(
            z.strictObject({
              ...{ traceId: hex(32), spanId: hex(16), parentSpanId: hex(16).optional(), name: z.string().min(1) },
              ...{ kind: z.literal(1), startTimeUnixNano: nanoseconds, endTimeUnixNano: nanoseconds, attributes },
            }),
          ),
        }),
      ),
    }),
  ),
});

type ResourceSpans = z.output<typeof Request>['resourceSpans'][number];
export type CollectedSpan = ResourceSpans['scopeSpans'][number]['spans'][number] & {
  readonly resource: ResourceSpans['resource']['attributes'];
};

export interface Collector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** What it answers; 200 at first. */
  status: number;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const parsed = Request.safeParse(body);
      const isOtlp = request.method === 'POST' && request.url === '/v1/traces' && parsed.success;
      if (isOtlp && collector.status === 200) {
        for (const { resource, scopeSpans } of parsed.data.resourceSpans)
          collector.spans.push(
            ...scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, resource: resource.attributes }))),
          );
      }
      response.writeHead(isOtlp ? collector.status : 400, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    status: 200,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return collector;
}
