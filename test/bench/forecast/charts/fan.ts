import type { Distribution } from '@understudy/forecast'
import { quantile } from '@understudy/forecast'
import type { LegendEntry, Point } from './plot.ts'
import { document, legend, Plot, roundAxis, text } from './plot.ts'

export interface FanPanel {
  readonly title: string
  readonly unit: string
  readonly history: Float64Array
  readonly future: Float64Array
  readonly distribution: Distribution
}

const bands = [
  { share: 0.95, opacity: 0.16 },
  { share: 0.8, opacity: 0.22 },
  { share: 0.5, opacity: 0.3 },
] as const
const blue = '#0072b2'
const [width, panelHeight, shownHours] = [900, 265, 120]

/** Forecast fans below one another: the last days, what was predicted for the next hours, and what came. */
export function fanChart(title: string, panels: readonly FanPanel[]): string {
  const entries: readonly LegendEntry[] = [
    { label: 'known', colour: '#888', kind: 'line' },
    { label: 'what came', colour: '#111', kind: 'line' },
    { label: 'median', colour: blue, kind: 'line' },
    ...bands
      .toReversed()
      .map(({ share }, index) => ({ label: `${share * 100} %`, colour: blue, kind: 'area' as const, opacity: [0.54, 0.34, 0.16][index] ?? 1 })),
  ]
  return document(width, 70 + panelHeight * panels.length, [
    text(80, 24, title, 'font-size="15" font-weight="600"'),
    legend(entries, { x: 80, y: 48, width: 115 }),
    ...panels.map((panel, index) => drawPanel(panel, 92 + panelHeight * index)),
  ])
}

function drawPanel({ title, unit, history, future, distribution }: FanPanel, top: number): string {
  const shown = history.subarray(Math.max(0, history.length - shownHours))
  const row = (level: number): readonly Point[] => Array.from(future, (_, index) => [index + 1, quantile(distribution, index + 1, level)])
  const values = [...shown, ...future, ...[...row(0.025), ...row(0.975)].map(([, y]) => y)].filter(Number.isFinite)
  const last: Point = [0, history[history.length - 1]!]
  const from = 1 - shown.length
  const plot = new Plot({
    left: 80,
    top,
    width: width - 110,
    height: panelHeight - 75,
    title,
    xLabel: 'hours from the last known value',
    yLabel: unit,
    x: { from, to: future.length, ticks: ticksEvery(24, from, future.length) },
    y: roundAxis(values, 4),
  })
  for (const { share, opacity } of bands) plot.area(row(0.5 - share / 2), row(0.5 + share / 2), `fill="${blue}" fill-opacity="${opacity}"`)
  plot.line(
    [
      [0, plot.frame.y.from],
      [0, plot.frame.y.to],
    ],
    'stroke="#999" stroke-dasharray="3 3"',
  )
  plot.line(finite(Array.from(shown, (value, index) => [from + index, value])), 'stroke="#888" stroke-width="1.2"')
  plot.line(row(0.5), `stroke="${blue}" stroke-width="2"`)
  plot.line(finite([last, ...Array.from(future, (value, index): Point => [index + 1, value])]), 'stroke="#111" stroke-width="1.5"')
  return plot.render()
}

const finite = (points: readonly Point[]): readonly Point[] => points.filter(([, y]) => Number.isFinite(y))

function ticksEvery(step: number, from: number, to: number): readonly number[] {
  const first = Math.ceil(from / step)
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, index) => (first + index) * step)
}
