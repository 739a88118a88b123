/** Every context source, one line each. */
import { type ContextSource } from './source.ts';

export const SOURCES: readonly ContextSource[] = [];
