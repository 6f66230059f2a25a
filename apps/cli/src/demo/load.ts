import { Agent, request } from 'undici'

export interface LoadReport {
  readonly sent: number
  readonly failed: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Requests answered by each instance, in the order they first answered. */
  readonly answeredBy: readonly { readonly instance: string; readonly requests: number }[]
  readonly failures: readonly string[]
}

export interface Load {
  /** What has happened so far. */
  snapshot(): LoadReport
  /** Sends nothing more, waits for what is under way. */
  stop(): Promise<LoadReport>
}

/** How long a request may take before it counts as failed. */
const timeoutMs = 5000
const tickMs = 10

/**
 * Sends GET requests at a fixed rate, whatever the answers do, and never repeats one: every error, and every status but 200, is
 * a failed request.
 */
export function startLoad(url: string, requestsPerSecond: number): Load {
  const agent = new Agent({ connections: 64, pipelining: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  const answered = new Map<string, number>()
  const latenciesMs: number[] = []
  const failures: string[] = []
  const underWay = new Set<Promise<void>>()
  const startedMs = performance.now()
  let stoppedMs: number | undefined
  let sent = 0

  const send = async (): Promise<void> => {
    const beganMs = performance.now()
    try {
      const response = await request(url, { dispatcher: agent })
      const text = await response.body.text()
      latenciesMs.push(performance.now() - beganMs)
      if (response.statusCode !== 200) failures.push(`status ${response.statusCode} ${text.slice(0, 120)}`)
      else count(answered, instanceOf(text))
    } catch (error) {
      failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
    }
  }
  // The clock decides how many are due, so that a late timer is made up for and the rate is really the rate.
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * requestsPerSecond)
    for (; sent < due; sent++) {
      const one = send().finally(() => underWay.delete(one))
      underWay.add(one)
    }
  }, tickMs)

  const snapshot = (): LoadReport => {
    const sorted = latenciesMs.toSorted((a, b) => a - b)
    const at = (share: number): number => Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1))
    const seconds = ((stoppedMs ?? performance.now()) - startedMs) / 1000
    return {
      sent,
      failed: failures.length,
      perSecond: Math.round(sent / seconds),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      answeredBy: [...answered].map(([instance, requests]) => ({ instance, requests })),
      failures: failures.slice(0, 5),
    }
  }
  return {
    snapshot,
    async stop() {
      clearInterval(timer)
      stoppedMs = performance.now()
      await Promise.all(underWay)
      await agent.close()
      return snapshot()
    },
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function instanceOf(text: string): string {
  const body = JSON.parse(text) as { readonly instanceId?: string }
  return body.instanceId ?? 'unknown'
}
