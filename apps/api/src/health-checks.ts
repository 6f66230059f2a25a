import type { Database } from '@understudy/control'
import { DeadlineExceeded, within } from '@understudy/core'
import type { Clock } from '@understudy/core'
import type { OpenQueue } from '@understudy/queue'
import type { HealthChecks } from './deps.ts'

const answerWithinMs = 2000

/** The database must answer in time. The queue need not: without the bell everything still happens, only later; it is shown. */
export function healthChecks(parts: {
  readonly database: Pick<Database, 'ping'>
  readonly queue: Pick<OpenQueue, 'health'>
  readonly clock: Clock
}): HealthChecks {
  const { clock } = parts
  return {
    async check() {
      const [database, queue] = await Promise.all([
        inTime(clock, () => parts.database.ping()),
        inTime(clock, async () => {
          const { ok, reason } = await parts.queue.health()
          if (!ok) throw new Error(reason ?? 'the queue is not well')
        }),
      ])
      return { database, queue: { ok: true, detail: queue.detail ?? 'answers' } }
    },
  }
}

async function inTime(clock: Clock, ask: () => Promise<void>): Promise<{ ok: boolean; detail?: string }> {
  try {
    await within(clock, answerWithinMs, ask())
    return { ok: true }
  } catch (error) {
    // The text of a driver may name hosts and users; whoever runs the service finds it in the log.
    return { ok: false, detail: error instanceof DeadlineExceeded ? `no answer within ${answerWithinMs} ms` : 'does not answer' }
  }
}
