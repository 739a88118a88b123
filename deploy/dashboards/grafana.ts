/** Our dashboards as Grafana reads them. Two panels a row; the data source and the source of the data can be chosen. */
import { type Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { VizLegendOptionsBuilder } from '@grafana/grafana-foundation-sdk/common';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { feeds } from './feeds.ts';
import { liveAccuracy } from './live-accuracy.ts';
import { models } from './models.ts';
import { type DashboardSpec, type PanelSpec } from './panel.ts';
import { paper } from './paper.ts';
import { pipeline } from './pipeline.ts';
import { training } from './training.ts';

export const DASHBOARDS: readonly DashboardSpec[] = [liveAccuracy, feeds, pipeline, models, paper, training];

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** File name to content, ending with a line break. */
export function dashboardFiles(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    DASHBOARDS.map((spec) => [`${spec.uid.replace('tributary-', '')}.json`, `${JSON.stringify(build(spec), undefined, 2)}\n`]),
  );
}

function build({ uid, title, description, panels }: DashboardSpec): unknown {
  // The schema that Grafana reads from files in every version; the SDK would rather have the newer one, which files cannot have.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['tributary'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(
      new QueryVariableBuilder('source')
        .label('Data')
        .datasource(DATASOURCE)
        .query('label_values(tributary_clock_time_seconds, source)')
        .includeAll(true)
        .allValue('.+'),
    );
  for (const panel of panels) dashboard.withPanel(graph(panel));
  return dashboard.build();
}

function graph({ title, description, unit, queries, min, max }: PanelSpec): Builder<Panel> {
  const panel = new PanelBuilder().title(title).description(description).unit(unit).datasource(DATASOURCE).span(12).height(8);
  panel.legend(new VizLegendOptionsBuilder().showLegend(true));
  if (min !== undefined) panel.min(min);
  if (max !== undefined) panel.max(max);
  for (const [index, { expr, legend }] of queries.entries()) {
    panel.withTarget(
      new DataqueryBuilder()
        .expr(expr)
        .legendFormat(legend)
        .refId(String.fromCharCode(65 + index))
        .datasource(DATASOURCE)
        .range(),
    );
  }
  return panel;
}
