#!/usr/bin/env node
/** The one binary. The code runs from its TypeScript source; tsx strips the types as files are loaded. */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../services/cli/main.ts');
await main(process.argv.slice(2));
