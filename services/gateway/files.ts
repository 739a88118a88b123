/** The files of the page, each under a path of its own: no path of a request is ever one of the file system. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FastifyInstance } from 'fastify';

const PAGE = join(import.meta.dirname, 'page');
const UPLOT = join(import.meta.dirname, '../../node_modules/uplot/dist');
const [HTML, CSS, JAVASCRIPT] = ['text/html; charset=utf-8', 'text/css; charset=utf-8', 'text/javascript; charset=utf-8'];
/** [file, media type] by path. */
const FILES = {
  '/': [join(PAGE, 'index.html'), HTML],
  '/page.css': [join(PAGE, 'page.css'), CSS],
  '/page.js': [join(PAGE, 'page.js'), JAVASCRIPT],
  '/icon.svg': [join(PAGE, 'icon.svg'), 'image/svg+xml'],
  '/vendor/uplot.css': [join(UPLOT, 'uPlot.min.css'), CSS],
  '/vendor/uplot.js': [join(UPLOT, 'uPlot.esm.js'), JAVASCRIPT],
} as const;

export function servePage(server: FastifyInstance): void {
  for (const [path, [file, type]] of Object.entries(FILES))
    server.get(path, async (_request, reply) => reply.type(type).send(await readFile(file)));
}
