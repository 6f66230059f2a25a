/** What runs in a thread of the pool. */
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { ForecastError } from '../errors.ts'
import type { ForecastTask, TaskAnswer } from './task.ts'
import { runForecastTask } from './task.ts'

/** An error loses its class between threads; what an expected one says is sent as data. */
export type Reply = { readonly answer: TaskAnswer } | { readonly refused: { readonly argument: string; readonly reason: string } }

export async function forecastInThread(task: ForecastTask): Promise<unknown> {
  try {
    const answer = await runForecastTask(task)
    return move({ [valueSymbol]: { answer } satisfies Reply, [transferableSymbol]: [answer.quantiles.buffer, answer.paths.buffer] })
  } catch (error) {
    if (!(error instanceof ForecastError)) throw error
    return { refused: { argument: error.argument, reason: error.reason } } satisfies Reply
  }
}
