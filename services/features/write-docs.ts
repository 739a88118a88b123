/** `npm run features:docs`. */
import { writeFile } from 'node:fs/promises';
import { FEATURES_PAGE, featuresPage } from './docs.ts';

await writeFile(FEATURES_PAGE, featuresPage());
