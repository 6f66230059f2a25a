import * as access from './access.ts'
import * as accounts from './accounts.ts'
import * as capabilities from './capabilities.ts'
import * as compliance from './compliance.ts'
import * as events from './events.ts'
import * as ingest from './ingest.ts'
import * as operations from './operations.ts'
import * as recoveryPoints from './recovery-points.ts'
import * as resources from './resources.ts'
import * as rollbackPolicies from './rollback-policies.ts'
import * as rollbacks from './rollbacks.ts'
import * as signingKeys from './signing-keys.ts'
import * as restoredDisks from './restored-disks.ts'
import * as testRollbacks from './test-rollbacks.ts'
import type { RouteContract } from './route.ts'
import * as service from './service.ts'
import * as shadows from './shadows.ts'
import * as signals from './signals.ts'
import * as transitions from './transitions.ts'
import * as webhooks from './webhooks.ts'

const isRoute = (value: unknown): value is RouteContract => typeof value === 'object' && value !== null && 'method' in value && 'access' in value

const order = ({ url, method }: RouteContract): string => `${url} ${method}`

/** Every route of the contract, by resource and path. */
export const routes: readonly RouteContract[] = [
  access,
  accounts,
  capabilities,
  resources,
  shadows,
  recoveryPoints,
  rollbackPolicies,
  compliance,
  transitions,
  rollbacks,
  signingKeys,
  restoredDisks,
  testRollbacks,
  signals,
  ingest,
  operations,
  events,
  webhooks,
  service,
].flatMap((module) =>
  Object.values(module as Record<string, unknown>)
    .filter((value) => isRoute(value))
    .toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
)
