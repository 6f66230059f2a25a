import { seededRandom } from '@understudy/core'
import { ForecastPool } from '@understudy/forecast/pool'
import type { ForecastTask } from '@understudy/forecast/pool'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { dataDirectory } from './data-directory.ts'
import { percentile } from './figures.ts'
import { cloudTasks } from './forecast/data.ts'

/*
 * `npm run bench -- forecast-pool`: 1,000 series of 14 days by the hour, 24 h out with all quantiles, in two threads, and how long the
 * caller's thread was kept from its own work meanwhile.
 */

const resolutionMs = 2

export async function benchForecastPool(args: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...args],
    options: { series: { type: 'string', default: '1000' }, threads: { type: 'string', default: '2' } },
  })
  const { path, isShort } = dataDirectory()
  const histories = (await cloudTasks(path)).map(({ history }) => history)
  const random = seededRandom(1)
  // There are fewer windows than series wanted: each is a window in a unit of its own, which costs the same.
  const series = Array.from({ length: Number(options.series) }, (_, index) => {
    const unit = 1 + random.next()
    return histories[index % histories.length]!.map((value) => value * unit)
  })
  const pool = new ForecastPool({ threads: Number(options.threads) })
  // Threads start and compile once in the life of a process.
  for await (const _ of pool.forecastEach(series.slice(0, 40).map(taskOf))) continue

  const loop = monitorEventLoopDelay({ resolution: resolutionMs })
  loop.enable()
  const longest = watchOwnThread()
  const started = performance.now()
  const seconds: number[] = []
  let failed = 0
  for await (const one of pool.forecastEach(series.map(taskOf))) {
    if ('error' in one) failed++
    else seconds.push((performance.now() - started) / 1000)
  }
  const tookSeconds = (performance.now() - started) / 1000
  loop.disable()
  const longestOwnMs = longest()
  await pool.close()
  const delays = { p50: delay(loop.percentile(50)), p99: delay(loop.percentile(99)), max: delay(loop.max) }
  say(
    `${seconds.length} of ${series.length} series in ${tookSeconds.toFixed(1)} s by ${options.threads} threads, ${failed} failed; half of them after ${percentile(seconds, 50).toFixed(1)} s`,
  )
  say(
    `The caller's loop was late by ${delays.p50.toFixed(1)} ms at the median, ${delays.p99.toFixed(1)} ms at p99 and ${delays.max.toFixed(1)} ms at most`,
  )
  say(`Between two turns of its loop the caller's thread computed for ${longestOwnMs.toFixed(1)} ms at most; the rest is waiting for a core`)
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version, load: loadavg() }
  await mkdir('bench-results', { recursive: true })
  const result = { bench: 'forecast-pool', isShort, machine, options, tookSeconds, failed, delayMs: delays, longestOwnMs }
  await writeFile('bench-results/forecast-pool.json', `${JSON.stringify(result, undefined, 2)}\n`)
  say('Written to bench-results/forecast-pool.json')
}

/**
 * How long this thread computes without a turn for anything else. Being late, on a machine that others use too, is mostly waiting
 * for a core, which no program can help. Returns how to stop and what was the longest, in milliseconds.
 */
function watchOwnThread(): () => number {
  let longest = 0
  let before = process.threadCpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.threadCpuUsage()
  }, resolutionMs)
  return () => {
    clearInterval(timer)
    return longest
  }
}

function taskOf(values: Float64Array): ForecastTask {
  return { series: { values }, horizon: 24 }
}

/** The histogram holds the time between two ticks of a timer, in nanoseconds. */
function delay(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - resolutionMs)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
