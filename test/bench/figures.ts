/** Nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

export const inMs = (ms: number): string => (Number.isNaN(ms) ? '-' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`)
export const inSeconds = (ms: number): string => (Number.isNaN(ms) ? '-' : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`)
export const asRatio = (ratio: number): string => (Number.isNaN(ratio) ? '-' : `${ratio.toFixed(1)}×`)

/** Columns as wide as their widest cell, for a terminal and as a Markdown table alike. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n')
}
