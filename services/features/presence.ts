/** How much of each column has a value: read from libs/features/presence.json, which `npm run features:presence` writes. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const presenceSchema = z.object({
  /** Recordings that the shares are of, in words. */
  recordings: z.array(z.object({ name: z.string(), what: z.string(), vectors: z.number().int(), columns: z.number().int() })),
  /** By column: share of vectors with a value in that recording that has most of them; 0..1. */
  columns: z.record(z.string(), z.number().min(0).max(1)),
});

export type Presence = z.infer<typeof presenceSchema>;

export const PRESENCE_FILE = new URL('../../libs/features/presence.json', import.meta.url);

export function loadPresence(): Presence {
  return presenceSchema.parse(JSON.parse(readFileSync(PRESENCE_FILE, 'utf8')));
}
