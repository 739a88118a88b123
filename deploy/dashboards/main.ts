/** `npm run dashboards`: writes deploy/grafana/*.json, and the chart's copies of them and of the rules. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardFiles } from './grafana.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const copies = join(ROOT, 'helm/tributary/files');
mkdirSync(join(copies, 'dashboards'), { recursive: true });
for (const [name, content] of Object.entries(dashboardFiles())) {
  writeFileSync(join(ROOT, 'deploy/grafana', name), content);
  writeFileSync(join(copies, 'dashboards', name), content);
}
writeFileSync(join(copies, 'rules.yml'), readFileSync(join(ROOT, 'deploy/prometheus/rules/tributary.yml')));
