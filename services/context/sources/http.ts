/** What a source may ask of its host. Answers are checked by a schema; nothing is believed. */
import { type z } from 'zod';
import { type Query } from '#libs/http/client.ts';

export interface SourceHttp {
  /** GETs `path` and gives what `schema` makes of the JSON answer. Errors as libs/http/client.ts. */
  getJson<T>(path: string, query: Query, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  /** POSTs `body` as JSON (Hyperliquid, GraphQL): reading only, so that a repeat is harmless. */
  postJson<T>(path: string, body: unknown, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  /** GETs a text, for instance CSV; an HTML page in its place is an error. */
  getText(path: string, query: Query, signal: AbortSignal): Promise<string>;
}
