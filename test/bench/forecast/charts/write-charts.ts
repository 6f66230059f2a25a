import { writeFile } from 'node:fs/promises'
import type { Measured } from '../measure.ts'
import { fanChart } from './fan.ts'
import { reliabilityChart } from './reliability.ts'

const titles: Readonly<Record<string, string>> = {
  cloud: 'Cloud demand, 14 days in, 24 h out',
  many: 'Cloud demand, many origins, 14 days in, 24 h out',
  m4: 'M4 hourly, 48 h out',
}
const units: Readonly<Record<string, string>> = {
  azure2017: 'machines started per hour',
  azure2017vm: 'CPU of a machine in %',
  azure2019: 'capacity in use',
}

/** A fan and a reliability diagram of one data set beside its other results. Returns the files. */
export async function writeCharts(path: string, set: string, measured: readonly Measured[]): Promise<readonly string[]> {
  const title = titles[set] ?? set
  // Neither the best nor the worst tells how it usually is: the quarters by error do.
  const ranked = measured.filter(({ engine }) => Number.isFinite(engine.mase)).sort((a, b) => a.engine.mase - b.engine.mase)
  const shown = [0.25, 0.5, 0.75].flatMap((place) => ranked[Math.floor(place * (ranked.length - 1))] ?? [])
  const panels = shown.map(({ task, distribution, engine }) => ({
    title: `${task.id}: MASE ${engine.mase.toFixed(2)}`,
    unit: units[task.source] ?? (set === 'm4' ? 'value' : 'utilisation'),
    history: task.history,
    future: task.future,
    distribution,
  }))
  const places = new Map(
    Array.from(
      Map.groupBy(measured, ({ task }) => task.source),
      ([source, group]) => [source, group.flatMap((one) => one.places)],
    ),
  )
  const charts = { fan: fanChart(`${title}: forecasts at the quarters by error`, panels), reliability: reliabilityChart(title, places) }
  return Promise.all(
    Object.entries(charts).map(async ([name, svg]) => {
      await writeFile(`${path}-${name}.svg`, svg)
      return `${path}-${name}.svg`
    }),
  )
}
