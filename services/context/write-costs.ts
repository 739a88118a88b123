/** `npm run costs`: writes docs/costs.md from the registry. */
import { writeFile } from 'node:fs/promises';
import { costsPage, sourceCosts } from './costs.ts';

await writeFile(new URL('../../docs/costs.md', import.meta.url), costsPage(sourceCosts(['BTC', 'ETH'])));
