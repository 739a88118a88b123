/** `npm run costs`: writes docs/costs.md. */
import { writeFile } from 'node:fs/promises';
import { page } from './page.ts';

await writeFile(new URL('../../docs/costs.md', import.meta.url), page());
