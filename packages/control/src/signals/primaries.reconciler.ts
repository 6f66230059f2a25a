import type { Json } from '@understudy/core'
import type { InstanceSummary, NeutralSignal, Provider } from '@understudy/provider'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { holdingThePrimary } from '../operations/hold-the-primary.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import type { Resource } from '../resources/resource.ts'
import { acceptSignals } from './accept-signals.ts'
import type { Received } from './accept-signals.ts'

const pageSize = 1000
const retryFirstMs = 5000
const retryMaxMs = 5 * 60_000

/**
 * Looks whether the primaries still live, and starts what a lost, late or failed answer to a notice left undone: pushes can be
 * lost, a notice can come after the reclaim, and a failover can fail while there is still time for another stand-in.
 */
export const primariesReconciler: Reconciler = {
  name: 'primaries',
  everyMs: 20_000,
  passMaxMs: 120_000,
  async pass(control) {
    const counts = { primaries: 0, lost: 0, repeated: 0 }
    const failures = new AccountFailures()
    let after: string | undefined
    for (;;) {
      const page = await control.database.stores.resources.listProtected({ limit: pageSize, after })
      const watched = page.filter((resource) => resource.tier !== undefined)
      for (const [accountId, resources] of Map.groupBy(watched, (resource) => resource.accountId)) {
        await failures.isolate(control, accountId, async (account) => {
          const provider = await control.providers.open(account)
          const received = await lookAt(control, provider, resources, counts)
          await acceptSignals(control, { account, source: 'poll', received })
        })
      }
      counts.primaries += watched.length
      after = page.at(-1)?.id
      if (page.length < pageSize) return { result: { ...counts, failingAccounts: failures.report() } }
    }
  },
}

async function lookAt(
  control: Control,
  provider: Provider,
  resources: readonly Resource[],
  counts: { lost: number; repeated: number },
): Promise<readonly Received[]> {
  const { stores } = control.database
  const unfinished = await stores.operations.listUnfinished({
    resourceIds: resources.map((resource) => resource.id),
    kinds: [...holdingThePrimary],
    limit: 10_000,
  })
  const busy = new Set(unfinished.map((operation) => operation.resourceId))
  // Thousands fail over at once in a mass reclaim: describing them all again and again would take the time that they need.
  const idle = resources.filter((resource) => !busy.has(resource.id))
  if (idle.length === 0) return []
  const states = await provider.inventory.states(idle.map((resource) => ({ ...provider.scope, nativeId: resource.nativeId })))
  const gaveWay = await rollbacksThatGaveWay(control, idle)
  const received: Received[] = []
  for (const resource of idle) {
    const signal =
      lostSignal(control, resource, states.get(resource.nativeId)) ?? (await unansweredSignal(control, resource, gaveWay.get(resource.id)))
    if (!signal) continue
    const attempt = await nextAttempt(control, resource)
    if (attempt === undefined) continue
    if (signal.kind === 'failure') counts.lost += 1
    else counts.repeated += 1
    received.push({
      signal: { ...signal, eventId: `poll:${resource.primaryEpoch}:${attempt}` },
      raw: { found: states.get(resource.nativeId)?.nativeState ?? 'absent' } satisfies Json,
    })
  }
  return received
}

/** A primary that no longer runs, and that nobody stopped on purpose. */
function lostSignal(control: Control, resource: Resource, summary: InstanceSummary | undefined): NeutralSignal | undefined {
  const gone = summary === undefined || summary.state === 'terminated' || summary.state === 'terminating'
  const stopped = summary?.state === 'stopped' || summary?.state === 'stopping' || summary?.state === 'held'
  if (!gone && !stopped) return undefined
  return {
    kind: 'failure',
    effect: gone ? 'terminate' : 'stop',
    nativeId: resource.nativeId,
    observedAt: new Date(control.clock.nowMs()).toISOString(),
    confidence: 'certain',
    cause: causeOf(summary?.stateReason?.code),
    canExpedite: false,
  }
}

/** `Client.…` reasons are somebody's doing, `Server.…` reasons are the cloud's. No reason: unknown, which is a legal answer. */
function causeOf(code: string | undefined): NeutralSignal['cause'] {
  if (code === undefined) return 'unknown'
  return code.startsWith('Client.') ? 'user' : code.startsWith('Server.') ? 'platform' : 'unknown'
}

/** How long after its end a rollback is asked whether it has given way to an interruption. */
const gaveWayMaxMs = 60 * 60_000

/** By resource: the rollback that was given up last. An interruption that came meanwhile has found the primary taken. */
async function rollbacksThatGaveWay(control: Control, resources: readonly Resource[]): Promise<ReadonlyMap<string, string>> {
  const sinceMs = control.clock.nowMs() - gaveWayMaxMs
  const found = new Map<string, string>()
  for (const projectId of new Set(resources.map((resource) => resource.projectId))) {
    const query = { after: undefined, limit: 100, kind: 'recovery.rollback', status: 'cancelled' }
    for (const { id, resourceId = '', finishedAt } of await control.database.stores.operations.list(projectId, query)) {
      if (finishedAt !== undefined && finishedAt.getTime() >= sinceMs && !found.has(resourceId)) found.set(resourceId, id)
    }
  }
  return found
}

/** An interruption whose failover failed, or had to wait for a rollback to be given up, while the primary is still there. */
async function unansweredSignal(control: Control, resource: Resource, gaveWay: string | undefined): Promise<NeutralSignal | undefined> {
  if (resource.status !== 'degraded' && gaveWay === undefined) return undefined
  const { stores } = control.database
  const [last] = await stores.operations.list(resource.projectId, { after: undefined, limit: 1, resourceId: resource.id, kind: 'failover' })
  const [notice] = await stores.signals.list(resource.projectId, { after: undefined, limit: 1, resourceId: resource.id, kind: 'interruption' })
  if (notice?.nativeId !== resource.nativeId) return undefined
  const hasFailed = last?.status === 'failed' && last.deadline !== undefined && last.deadline.getTime() >= control.clock.nowMs()
  if (!hasFailed && (gaveWay === undefined || notice.operationId !== gaveWay)) return undefined
  return {
    kind: 'interruption',
    effect: notice.effect,
    nativeId: resource.nativeId,
    ...deadlineOf(hasFailed ? last.deadline : notice.deadline),
    observedAt: notice.observedAt.toISOString(),
    confidence: notice.confidence,
    cause: notice.cause,
    canExpedite: false,
  }
}

const deadlineOf = (deadline: Date | undefined) => (deadline === undefined ? {} : { deadline: deadline.toISOString() })

/** Number of the next attempt for this primary; undefined while it is too early for one. */
async function nextAttempt(control: Control, resource: Resource): Promise<number | undefined> {
  const { stores } = control.database
  const tried = await stores.operations.list(resource.projectId, { after: undefined, limit: 50, resourceId: resource.id, kind: 'failover' })
  const failed = tried.filter((operation) => operation.status === 'failed' && isAbout(operation.params, resource.primaryEpoch))
  const lastMs = Math.max(0, ...failed.map((operation) => operation.finishedAt?.getTime() ?? 0))
  const waitMs = failed.length === 0 ? 0 : Math.min(retryMaxMs, retryFirstMs * 2 ** (failed.length - 1))
  return control.clock.nowMs() - lastMs >= waitMs ? failed.length : undefined
}

const isAbout = (params: Json, primaryEpoch: number): boolean =>
  typeof params === 'object' && params !== null && 'primaryEpoch' in params && params.primaryEpoch === primaryEpoch

/** One long poll of an account's queue. Answers how many documents came; they are acknowledged once they are durable. */
export async function receiveSignals(
  control: Control,
  account: Account,
  options: { readonly waitSeconds: number; readonly signal: AbortSignal },
  take: (documents: readonly unknown[]) => Promise<unknown>,
): Promise<number> {
  const provider = await control.providers.open(account)
  const received = (await provider.signals?.receive?.(options)) ?? []
  if (received.length === 0) return 0
  await take(received.map((item) => item.document))
  await Promise.all(received.map((item) => item.acknowledge()))
  return received.length
}
