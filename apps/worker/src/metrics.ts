import type { ObservedCall } from '@understudy/provider'
import type { RunnerEvent } from '@understudy/saga'
import { defineCounter, defineHistogram } from '@understudy/telemetry'
import type { Metrics } from '@understudy/telemetry'

const steps = defineHistogram({
  name: 'understudy_saga_step_seconds',
  help: 'Time a step took, by saga, step, action and outcome.',
  labels: ['saga', 'step', 'action', 'outcome'],
})
const finished = defineCounter({
  name: 'understudy_operations_finished_total',
  help: 'Operations that have ended, by saga and status.',
  labels: ['saga', 'status'],
})
const waited = defineHistogram({
  name: 'understudy_operation_wait_seconds',
  help: 'From the creation of an operation to its first claim.',
  labels: ['saga'],
})
const stuck = defineCounter({ name: 'understudy_operations_stuck_total', help: 'Operations that need a person.', labels: ['saga'] })
const calls = defineHistogram({
  name: 'understudy_provider_call_seconds',
  help: 'Calls to clouds, by provider, region, call and outcome.',
  labels: ['provider', 'region', 'call', 'outcome'],
})

export const workerMetrics = [steps, finished, waited, stuck, calls] as const

export function countRunnerEvent(metrics: Metrics, event: RunnerEvent): void {
  switch (event.type) {
    case 'claimed':
      if (!event.resumed) metrics.observe(waited, { saga: event.saga }, event.waitedMs / 1000)
      return
    case 'step_finished':
      metrics.observe(steps, { saga: event.saga, step: event.step, action: event.action, outcome: event.outcome }, event.durationMs / 1000)
      return
    case 'finished':
      metrics.count(finished, { saga: event.saga, status: event.status })
      return
    case 'stuck':
      metrics.count(stuck, { saga: event.saga })
      return
    default:
  }
}

export const observeCall = (metrics: Metrics, call: ObservedCall): void =>
  metrics.observe(calls, { provider: call.provider, region: call.region, call: call.call, outcome: call.outcome }, call.durationMs / 1000)
