/** Classic indicators on a new bar: ours against `trading-signals` (incremental) and `technicalindicators` (recomputed on 300 bars). */
import { generatedBars } from '#libs/indicators/generated-bars.ts';
import { libraryIncremental, libraryRecomputed, oursIncremental, VALUES } from './classics.ts';
import { type Figure, paired, rate } from './measure.ts';

const WINDOW = 300;
const REPEATS = 20;

export async function benchIndicators(): Promise<Figure[]> {
  const bars = generatedBars({ n: 20_000 });
  const perBar = async (name: string, steps: () => readonly ((bar: (typeof bars)[number]) => unknown)[]): Promise<Figure> =>
    rate(name, 'bars/s', bars.length, () => {
      const all = steps();
      for (const bar of bars) for (const step of all) step(bar);
    });
  const ours = await perBar(`${VALUES} indicators, ours`, oursIncremental);
  const library = await perBar(`${VALUES} indicators, trading-signals`, libraryIncremental);
  const window = bars.slice(-WINDOW);
  const again = await rate('26 of them, technicalindicators', 'bars/s', REPEATS, () => {
    for (let i = 0; i < REPEATS; i += 1) libraryRecomputed(window);
  });
  return [library, paired(ours, library), again, paired({ ...ours, name: `${ours.name}, again` }, again)];
}
