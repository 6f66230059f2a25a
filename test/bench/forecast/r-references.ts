import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Task } from './data.ts'

const run = promisify(execFile)

/** Central intervals whose ends are the quantiles 0.1 … 0.9 and those of the 95 % interval; with the mean, all that is scored. */
const intervals = [20, 40, 60, 80, 95] as const

/**
 * R's `forecast` package on the same tasks. One line per task goes in (cycle, steps ahead, history); one per step comes out: the point,
 * then the lower ends and the upper ends of the intervals. A model that fails leaves its lines out.
 */
const program = `
suppressMessages(library(forecast))
arguments <- commandArgs(TRUE)
levels <- c(${intervals.join(', ')})
out <- file(arguments[2], "w")
for (line in readLines(arguments[1])) {
  cells <- as.numeric(strsplit(line, ",")[[1]])
  steps <- cells[3]
  values <- cells[-(1:3)]
  told <- tryCatch({
    if (arguments[3] == "tbats") forecast(tbats(msts(values, c(24, 168)), use.parallel = FALSE), h = steps, level = levels)
    else forecast(auto.arima(ts(values, frequency = 24)), h = steps, level = levels)
  }, error = function(e) NULL)
  if (is.null(told)) next
  for (step in seq_len(steps)) writeLines(paste(c(cells[1], told$mean[step], told$lower[step, ], told$upper[step, ]), collapse = ","), out)
}
close(out)
`

export const rMethods = ['tbats', 'auto.arima'] as const

/** Whether this machine has R with the package `forecast`. */
export async function hasR(): Promise<boolean> {
  return run('Rscript', ['-e', 'library(forecast)']).then(
    () => true,
    () => false,
  )
}

/** Quantiles of each task by R: `(step, level)`, the first step being 1; undefined where R failed. */
export async function forecastInR(
  method: (typeof rMethods)[number],
  tasks: readonly Task[],
): Promise<readonly (((step: number, level: number) => number) | undefined)[]> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-r-'))
  try {
    const [script, input, output] = [join(folder, 'run.R'), join(folder, 'in.csv'), join(folder, 'out.csv')]
    await writeFile(script, program)
    await writeFile(input, tasks.map(({ history, future }, index) => [index, 24, future.length, ...history].join(',')).join('\n'))
    await run('Rscript', [script, input, output, method])
    const rows = Map.groupBy(
      (await readFile(output, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => line.split(',').map(Number)),
      ([index]) => index,
    )
    return tasks.map((_, index) => {
      const steps = rows.get(index)
      return steps && ((step, level) => quantileOf(steps[step - 1]!, level))
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

function quantileOf(row: readonly number[], level: number): number {
  if (level === 0.5) return row[1]!
  const place = intervals.findIndex((interval) => Math.abs(Math.abs(level - 0.5) * 200 - interval) < 1e-6)
  return row[2 + place + (level > 0.5 ? intervals.length : 0)]!
}
