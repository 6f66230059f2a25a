export { buildApp } from './app.ts'
export type { ApiSettings, AppDeps, HealthChecks, Procedures, RateSettings, RequestMetrics } from './deps.ts'
export { buildDocument } from './openapi/build-document.ts'
