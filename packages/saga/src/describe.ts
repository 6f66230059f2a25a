import type { Step } from './definition.ts'

/** A saga as a table for people: what happens in which order, what each step may take, what undoes it, where the point of no return is. */
export function describeSaga(saga: { readonly name: string; readonly version: number; readonly steps: readonly Step[] }): string {
  const rows = saga.steps.map((step, index) => [String(index + 1), step.name, undoOf(step), budgetOf(step), step.title])
  const head = ['#', 'step', 'undo', 'budget', 'what it does']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string => `  ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd()
  const commit = `  ${'─'.repeat(4)} point of no return: from here on it only rolls forward ${'─'.repeat(4)}`
  const lines = [`${saga.name} (version ${saga.version})`, line(head)]
  for (const [index, step] of saga.steps.entries()) {
    if (step.afterCommit && saga.steps[index - 1]?.afterCommit !== true) lines.push(commit)
    lines.push(line(rows[index]!))
  }
  return lines.join('\n')
}

function undoOf(step: Step): string {
  if (step.afterCommit) return '-'
  return step.undo === 'nothing-to-undo' ? 'nothing' : 'yes'
}

function budgetOf(step: Step): string {
  const { maxMs, shareOfRest = 1, overrun } = step.budget
  const parts = [readable(maxMs)]
  if (shareOfRest < 1) parts.push(`${Math.round(shareOfRest * 100)} % of the rest`)
  if (overrun) parts.push('may overrun')
  if (step.when !== undefined) parts.push('only when needed')
  return parts.join(', ')
}

function readable(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`
  return `${Number((ms / 60_000).toFixed(1))} min`
}
