import { startHelper } from './child.ts'
import { type CloudMoments, type CloudRequest, monotonicMs } from './protocol.ts'

/** The simulated Azure and Google Cloud in their own process, as the bench sees them. */
export interface MeasuredClouds {
  readonly pid: number
  ask(request: CloudRequest): Promise<unknown>
  /** Everything that load balancers did since it was last called. */
  takeMoments(): readonly CloudMoments[]
  /** Resolves with the first such moment that is not taken yet; throws after `limitMs`. */
  until(wanted: Pick<CloudMoments, 'cloud' | 'moment'>, limitMs: number): Promise<CloudMoments>
  stop(): Promise<void>
}

export async function startClouds(logFile: string): Promise<MeasuredClouds> {
  const { helper } = await startHelper({ entry: 'clouds-process.ts', logFile })
  const asked = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  let moments: CloudMoments[] = []
  let onMoment = (): void => undefined
  let lastId = 0
  helper.onMessage((raw) => {
    const message = raw as Partial<CloudMoments> & { readonly id?: number; readonly result?: unknown; readonly error?: string } // of our own process
    if (message.moment !== undefined) {
      moments.push(message as CloudMoments)
      onMoment()
    }
    if (message.id === undefined) return
    const waiting = asked.get(message.id)
    asked.delete(message.id)
    if (message.error === undefined) waiting?.resolve(message.result)
    else waiting?.reject(new Error(`the simulated cloud: ${message.error}`))
  })
  return {
    pid: helper.pid,
    ask: (request) =>
      new Promise((resolve, reject) => {
        lastId += 1
        asked.set(lastId, { resolve, reject })
        helper.send({ id: lastId, ...request })
      }),
    takeMoments() {
      const taken = moments
      moments = []
      return taken
    },
    async until({ cloud, moment }, limitMs) {
      const untilMs = monotonicMs() + limitMs
      for (;;) {
        const found = moments.find((candidate) => candidate.cloud === cloud && candidate.moment === moment)
        if (found !== undefined) return found
        const leftMs = untilMs - monotonicMs()
        if (leftMs <= 0) throw new Error(`${cloud}: the traffic has not moved within ${limitMs / 1000} s`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs)
          onMoment = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
    stop: () => helper.stop(),
  }
}
