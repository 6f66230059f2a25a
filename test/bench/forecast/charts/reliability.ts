import type { LegendEntry, Point } from './plot.ts'
import { document, legend, Plot, roundAxis, text } from './plot.ts'

/** Okabe and Ito's colours, which people who see few colours can tell apart. */
const colours = ['#e69f00', '#56b4e9', '#009e73', '#cc79a7', '#d55e00', '#0072b2', '#999999'] as const
const levels = Array.from({ length: 19 }, (_, index) => (index + 1) / 20)
const [width, height] = [980, 470]

/**
 * How often outcomes lay below each predicted quantile, all and by source, beside the histogram of their places in the predicted
 * distributions. On the diagonal, and flat, is a forecast that keeps what it promises.
 * @param placesBySource the place of each outcome in its distribution, in [0, 1]
 */
export function reliabilityChart(title: string, placesBySource: ReadonlyMap<string, readonly number[]>): string {
  const all = [...placesBySource.values()].flat()
  const sources = [...placesBySource]
  const curve = (places: readonly number[]): readonly Point[] => levels.map((level) => [level, share(places, (place) => place <= level)])
  const axis = { from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] }
  const shared = { top: 82, height: 330 }
  const diagram = new Plot({
    ...shared,
    left: 75,
    width: 330,
    title: 'Reliability',
    xLabel: 'predicted level',
    yLabel: 'share of outcomes below it',
    x: axis,
    y: axis,
  })
  diagram.area(
    [
      [0, 0],
      [0.05, 0],
      [1, 0.95],
    ],
    [
      [0, 0.05],
      [0.95, 1],
      [1, 1],
    ],
    'fill="#000" fill-opacity="0.07"',
  )
  diagram.line(
    [
      [0, 0],
      [1, 1],
    ],
    'stroke="#777" stroke-dasharray="4 3"',
  )
  sources.forEach(([, places], index) => diagram.line(curve(places), `stroke="${colours[index % colours.length]}" stroke-width="1.5"`))
  diagram.line(curve(all), 'stroke="#111" stroke-width="2"')
  diagram.dots(curve(all), 'fill="#111"')

  const tenths = Array.from({ length: 10 }, (_, bin) => share(all, (place) => Math.min(9, Math.floor(place * 10)) === bin))
  const histogram = new Plot({
    ...shared,
    left: 490,
    width: 260,
    title: 'Places of all outcomes (PIT)',
    xLabel: 'place in the predicted distribution',
    yLabel: 'share of outcomes',
    x: axis,
    y: roundAxis([0, 0.12, ...tenths]),
  })
  tenths.forEach((value, bin) => histogram.bar([bin / 10 + 0.004, 0], [(bin + 1) / 10 - 0.004, value], 'fill="#0072b2" fill-opacity="0.6"'))
  histogram.line(
    [
      [0, 0.1],
      [1, 0.1],
    ],
    'stroke="#777" stroke-dasharray="4 3"',
  )
  const entries: readonly LegendEntry[] = [
    { label: 'all', colour: '#111', kind: 'line' },
    ...sources.map(([name], index) => ({ label: name, colour: colours[index % colours.length] ?? '#000', kind: 'line' as const })),
    { label: 'as promised', colour: '#777', kind: 'dashes' },
    { label: 'within 5 points', colour: '#000', kind: 'area', opacity: 0.07 },
  ]
  return document(width, height, [
    text(75, 28, title, 'font-size="15" font-weight="600"'),
    diagram.render(),
    histogram.render(),
    legend(entries, { x: 785, y: 100 }),
  ])
}

function share(places: readonly number[], holds: (place: number) => boolean): number {
  return places.filter(holds).length / places.length
}
