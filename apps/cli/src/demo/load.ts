import { Agent, request } from 'undici'

/** One request that was sent. */
export interface Sent {
  /** `performance.now()` of the sending. */
  readonly atMs: number
  readonly tookMs: number
  /** Who answered. Undefined when nobody did, or not with a 200: that request is lost. */
  readonly instance: string | undefined
  readonly failure?: string
}

export interface Load {
  /** Everything that has come to its end so far, in that order. */
  readonly sent: readonly Sent[]
  /** Sends nothing more and waits for what is under way. Answers how long it has been sending. Harmless the second time. */
  stop(): Promise<{ readonly seconds: number }>
}

/** How long a request may take before it counts as lost. */
const timeoutMs = 5000
const tickMs = 10

/**
 * Sends GET requests at a fixed rate, whatever the answers do, and never repeats one: every error, and every status but 200, is
 * a lost request. `target`: a URL, or who is asked for one before each request, which takes part in what that takes.
 */
export function startLoad(target: string | (() => Promise<string>), requestsPerSecond: number): Load {
  const agent = new Agent({ connections: 64, pipelining: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  const sent: Sent[] = []
  const underWay = new Set<Promise<void>>()
  const startedMs = performance.now()
  let begun = 0

  const send = async (): Promise<void> => {
    const atMs = performance.now()
    const outcome = await ask(agent, target)
    sent.push({ atMs, tookMs: performance.now() - atMs, ...outcome })
  }
  // The clock decides how many are due, so that a late timer is made up for and the rate is really the rate.
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * requestsPerSecond)
    for (; begun < due; begun++) {
      const one = send().finally(() => underWay.delete(one))
      underWay.add(one)
    }
  }, tickMs)

  const stop = async (): Promise<{ readonly seconds: number }> => {
    clearInterval(timer)
    const seconds = (performance.now() - startedMs) / 1000
    await Promise.all(underWay)
    await agent.close()
    return { seconds }
  }
  let stopped: ReturnType<typeof stop> | undefined
  return { sent, stop: () => (stopped ??= stop()) }
}

async function ask(agent: Agent, target: string | (() => Promise<string>)): Promise<Pick<Sent, 'instance' | 'failure'>> {
  try {
    const url = typeof target === 'string' ? target : await target()
    const response = await request(url, { dispatcher: agent })
    const text = await response.body.text()
    if (response.statusCode !== 200) return { instance: undefined, failure: `status ${response.statusCode} ${text.slice(0, 120)}` }
    return { instance: (JSON.parse(text) as { readonly instanceId?: string }).instanceId ?? 'unknown' }
  } catch (error) {
    return { instance: undefined, failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}
