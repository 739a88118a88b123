/** Entry of the process that fits networks: strips the types as bin/tributary.js does. */
import { register } from 'tsx/esm/api';

register();
await import('./network-worker.ts');
