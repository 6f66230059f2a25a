import type { Clock, Random } from '@understudy/core'
import type { JobHandlers, JobName, OpenQueue } from '@understudy/queue'

/**
 * A queue as bad as a queue may be: it loses rings, delays them, and repeats them. The real ones are tested for what they
 * promise; the simulation shows that nothing depends on more than that.
 */
export function lossyQueue(clock: Clock, random: Random, faults: { lose: number; repeat: number; delayMaxMs: number }): OpenQueue {
  let handlers: JobHandlers | undefined
  const hand = (topic: string, payload: unknown): void => {
    const handler = handlers?.[topic as JobName] as ((payload: unknown) => unknown) | undefined
    void handler?.(payload)
  }
  const deliver = (topic: string, payload: unknown): void => {
    if (random.next() < faults.lose) return
    const times = random.next() < faults.repeat ? 2 : 1
    for (let i = 0; i < times; i++) clock.schedule(random.int(0, faults.delayMaxMs), () => hand(topic, payload))
  }
  return {
    backend: 'postgres',
    bell: { ring: (topic, message) => deliver(topic, message.payload) },
    deliver: (jobs) => {
      for (const job of jobs) deliver(job.topic, job.payload)
      return Promise.resolve()
    },
    ready: () => Promise.resolve(),
    consume: (given) => {
      handlers = given
      return Promise.resolve()
    },
    health: () => Promise.resolve({ ok: true, backend: 'postgres' }),
    drain: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}
