import { defineCounter, defineHistogram } from '@understudy/telemetry'

export const requestSeconds = defineHistogram({
  name: 'understudy_http_request_seconds',
  help: 'Time to the end of the answer, by method, route and status.',
  labels: ['method', 'route', 'status'],
})
export const databaseSeconds = defineHistogram({
  name: 'understudy_database_call_seconds',
  help: 'Calls to the database, by name and outcome.',
  labels: ['call', 'outcome'],
})
export const databaseRetries = defineCounter({
  name: 'understudy_database_retries_total',
  help: 'Transactions that lost against another one and ran again.',
})

export const apiMetrics = [requestSeconds, databaseSeconds, databaseRetries] as const
