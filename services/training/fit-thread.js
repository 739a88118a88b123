/** Entry of a training thread: strips the types as bin/tributary.js does, which threads do not inherit. */
import { register } from 'tsx/esm/api';

register();
await import('./fit-worker.ts');
