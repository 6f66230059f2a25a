/** A rectangle with axes, in which lines and areas are drawn; sizes are in pixels, the origin is at the top left. */
export interface PlotFrame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly x: Axis
  readonly y: Axis
}
interface Axis {
  readonly from: number
  readonly to: number
  readonly ticks: readonly number[]
}
export type Point = readonly [x: number, y: number]

export class Plot {
  readonly frame: PlotFrame
  private readonly parts: string[] = []

  constructor(frame: PlotFrame) {
    this.frame = frame
  }

  x(value: number): number {
    const { left, width, x } = this.frame
    return left + (width * (value - x.from)) / (x.to - x.from)
  }

  y(value: number): number {
    const { top, height, y } = this.frame
    return top + height - (height * (value - y.from)) / (y.to - y.from)
  }

  line(points: readonly Point[], style: string): void {
    this.parts.push(`<polyline points="${this.path(points)}" fill="none" ${style}/>`)
  }

  /** Between two lines that have the same places. */
  area(lower: readonly Point[], upper: readonly Point[], style: string): void {
    this.parts.push(`<polygon points="${this.path([...lower, ...upper.toReversed()])}" stroke="none" ${style}/>`)
  }

  dots(points: readonly Point[], style: string): void {
    for (const [x, y] of points) this.parts.push(`<circle cx="${round(this.x(x))}" cy="${round(this.y(y))}" r="2.5" ${style}/>`)
  }

  bar(from: Point, to: Point, style: string): void {
    const [x, y] = [this.x(from[0]), this.y(to[1])]
    this.parts.push(`<rect x="${round(x)}" y="${round(y)}" width="${round(this.x(to[0]) - x)}" height="${round(this.y(from[1]) - y)}" ${style}/>`)
  }

  render(): string {
    const { left, top, width, height, title, xLabel, yLabel, x, y } = this.frame
    const bottom = top + height
    const grid = y.ticks.map(
      (tick) => `<line x1="${left}" x2="${left + width}" y1="${round(this.y(tick))}" y2="${round(this.y(tick))}" stroke="#e3e3e3"/>`,
    )
    const xTicks = x.ticks.map(
      (tick) =>
        `<line x1="${round(this.x(tick))}" x2="${round(this.x(tick))}" y1="${bottom}" y2="${bottom + 4}" stroke="#555"/>` +
        text(this.x(tick), bottom + 17, tickLabel(tick, x), 'text-anchor="middle"'),
    )
    const yTicks = y.ticks.map((tick) => text(left - 7, this.y(tick) + 4, tickLabel(tick, y), 'text-anchor="end"'))
    return [
      `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="#fff"/>`,
      ...grid,
      ...this.parts,
      `<path d="M${left} ${top}V${bottom}H${left + width}" fill="none" stroke="#555"/>`,
      ...xTicks,
      ...yTicks,
      text(left, top - 9, title, 'font-weight="600"'),
      text(left + width / 2, bottom + 34, xLabel, 'text-anchor="middle"'),
      `<text transform="translate(${left - 50} ${top + height / 2}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`,
    ].join('\n')
  }

  private path(points: readonly Point[]): string {
    return points.map(([x, y]) => `${round(this.x(x))},${round(this.y(y))}`).join(' ')
  }
}

/** An axis over the values, its ends at round numbers; about `count` ticks, 1, 2 or 5 times a power of ten apart. */
export function roundAxis(values: readonly number[], count = 5): Axis {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const span = high > low ? high - low : Math.max(1, Math.abs(high))
  const rough = span / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10)
  const first = Math.floor(low / step)
  const last = Math.max(first + 1, Math.ceil(high / step))
  return { from: first * step, to: last * step, ticks: Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step) }
}

export interface LegendEntry {
  readonly label: string
  readonly colour: string
  readonly kind: 'line' | 'area' | 'dashes'
  readonly opacity?: number
}

/** Entries in a row, each `width` wide, or in a column. */
export function legend(entries: readonly LegendEntry[], at: { readonly x: number; readonly y: number; readonly width?: number }): string {
  return entries
    .map(({ label, colour, kind, opacity = 1 }, index) => {
      const x = at.x + (at.width ?? 0) * index
      const y = at.y + (at.width === undefined ? 18 * index : 0)
      const dashes = kind === 'dashes' ? ' stroke-dasharray="4 3"' : ''
      const mark =
        kind === 'area'
          ? `<rect x="${x}" y="${y - 10}" width="22" height="11" fill="${colour}" fill-opacity="${opacity}"/>`
          : `<line x1="${x}" x2="${x + 22}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"${dashes}/>`
      return mark + text(x + 28, y, label)
    })
    .join('\n')
}

export function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`
}

export function document(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12" fill="#222">
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join('\n')}
</svg>
`
}

function tickLabel(tick: number, { ticks }: Axis): string {
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0)
  const largest = Math.max(...ticks.map(Math.abs))
  if (largest >= 1e6) return `${Number((tick / 1e6).toPrecision(3))} M`
  if (largest >= 1e4) return `${Number((tick / 1e3).toPrecision(4))} k`
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return tick
    .toFixed(digits)
    .replace(/^-(0(\.0+)?)$/, '$1')
    .replace('-', '\u2212')
}

const round = (value: number): number => Math.round(value * 10) / 10
const escaped = (content: string): string => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
