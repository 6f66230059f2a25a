import type { Json } from '@understudy/core'
import { contentHash, now } from '@understudy/core'
import type { NeutralSignal } from '@understudy/provider'
import type { Account } from '../accounts/account.ts'
import { systemActor } from '../access/access.ts'
import { abilitiesOf } from '../cloud/abilities.ts'
import type { Abilities } from '../cloud/abilities.ts'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import { planFor, planIdentity } from '../failover/failover.ts'
import { failoverParams } from '../failover/start-failover.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperations } from '../operations/start-operation.ts'
import type { NewOperation } from '../operations/start-operation.ts'
import { entryAccountOf } from '../resources/resource.ts'
import type { Resource } from '../resources/resource.ts'
import type { Shadow } from '../shadows/shadow.ts'
import { isAnnouncement } from './changes.gate.ts'
import { endAnnouncements, knownChanges, withMoved, withOvertaken, wordsOfLists } from './follow-changes.ts'
import type { ReceivedList } from './follow-changes.ts'
import { decide } from './signal.gate.ts'
import type { SignalDecision } from './signal.gate.ts'
import type { Signal, SignalOutcome, SignalSource } from './signal.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

export interface Received {
  readonly signal: NeutralSignal
  readonly raw: Json
}
export interface AcceptedSignal {
  readonly id: string
  readonly nativeId: string
  readonly kind: NeutralSignal['kind']
  readonly outcome: SignalOutcome | 'duplicate'
  readonly duplicateOf?: string
  readonly operationId?: string
  readonly reason?: string
}

/**
 * Takes in what one account was told, all in one transaction: the signal rows, the operations they call for, the events and
 * the outbox. Repeated ones are counted on the first. Durable when it returns; the bell rings after.
 */
export async function acceptSignals(
  control: Control,
  input: {
    readonly account: Account
    readonly source: SignalSource
    readonly received: readonly Received[]
    readonly lists?: readonly ReceivedList[]
    readonly requestedBy?: string
  },
): Promise<readonly AcceptedSignal[]> {
  const { account } = input
  if (input.received.length === 0 && (input.lists ?? []).length === 0) return []
  const ignoreCase = control.providers.adapter(account.provider)?.idsIgnoreCase === true
  const provider = await control.providers.open(account)
  const answers = await control.database.transaction(async (stores) => {
    const told = [...new Set([...input.received.map(({ signal }) => signal.nativeId), ...(input.lists ?? []).map(({ list }) => list.nativeId)])]
    const resources = await stores.resources.findByNativeIds(account.id, told, { ignoreCase })
    const storedId = ignoreCase ? storedIds(resources) : (nativeId: string) => nativeId
    const received = input.received.map((item) => ({ ...item, signal: { ...item.signal, nativeId: storedId(item.signal.nativeId) } }))
    const lists = (input.lists ?? []).map(({ list, ...rest }) => ({ ...rest, list: { ...list, nativeId: storedId(list.nativeId) } }))
    const nativeIds = [...new Set(received.map((item) => item.signal.nativeId))]
    const concerned = resources.filter((resource) => resource.projectId === account.projectId)
    const shadows = await stores.shadows.listAlive(concerned.map((resource) => resource.id))
    const stood = await stores.shadows.listAliveByNativeIds(account.id, nativeIds)
    const said = received.map((item) => toRow(control, { ...input, lists }, item, concerned, stood))
    const known = await knownChanges(stores, account.id, said, lists)
    const announced = said.map((row) => withOvertaken(withMoved(row, known), known))
    const unsaid = wordsOfLists(control, input.source, lists, announced, known)
    const rows = [...announced, ...unsaid.map(({ row }) => row)]
    const { inserted, duplicateOf } = await stores.signals.insertNew(rows)
    const fresh = rows.filter((row) => inserted.has(row.id))
    const holding = [...known, ...fresh].filter((row) => isAnnouncement(row) && row.endedBy === undefined)
    const words = announced.filter((row) => !isAnnouncement(row)).map((row) => ({ row, ends: [] }))
    if (await endAnnouncements(stores, [...words, ...unsaid], holding, { inserted, duplicateOf }))
      await stores.outbox.append([wakeReconciler(control, 'transitions')])
    const acted = await act(control, stores, {
      account,
      cloud: abilitiesOf(provider),
      fresh,
      concerned,
      shadows,
      requestedBy: input.requestedBy ?? systemActor(`signals:${input.source}`),
    })
    return rows.map(
      (row) =>
        acted.get(row.id) ?? {
          id: duplicateOf.get(row.id) ?? row.id,
          nativeId: row.nativeId,
          kind: row.kind,
          outcome: 'duplicate' as const,
          duplicateOf: duplicateOf.get(row.id) ?? row.id,
        },
    )
  })
  return answers
}

/** From an id in any case to the id as our row has it: everything after this compares whole ids. */
function storedIds(resources: readonly Resource[]): (nativeId: string) => string {
  const stored = new Map(resources.map(({ nativeId }) => [nativeId.toLowerCase(), nativeId]))
  return (nativeId) => stored.get(nativeId.toLowerCase()) ?? nativeId
}

function toRow(
  control: Control,
  input: { readonly account: Account; readonly source: SignalSource; readonly lists?: readonly ReceivedList[] },
  item: Received,
  resources: readonly Resource[],
  shadows: readonly Shadow[],
): Signal {
  const { signal } = item
  const { sequence } = input.lists?.find(({ list }) => list.nativeId === signal.nativeId && list.list === signal.list)?.list ?? {}
  const resource = resources.find((candidate) => candidate.nativeId === signal.nativeId)
  const shadow = shadows.find((candidate) => candidate.nativeId === signal.nativeId)
  return {
    id: control.ids.next('signal'),
    projectId: input.account.projectId,
    accountId: input.account.id,
    kind: signal.kind,
    effect: signal.effect,
    nativeId: signal.nativeId,
    resourceId: resource?.id,
    shadowId: shadow?.id,
    deadline: signal.deadline === undefined ? undefined : new Date(signal.deadline),
    confidence: signal.confidence,
    cause: signal.cause,
    canPostponeUntil: signal.canPostponeUntil === undefined ? undefined : new Date(signal.canPostponeUntil),
    canExpedite: signal.canExpedite,
    source: input.source,
    observedAt: new Date(signal.observedAt),
    receivedAt: now(control.clock),
    outcome: 'recorded',
    reason: undefined,
    operationId: undefined,
    deduplicationKey: deduplicationKey(signal),
    raw: item.raw,
    phase: signal.phase ?? 'announced',
    changeId: signal.changeId ?? (signal.kind === 'maintenance' ? signal.eventId : undefined),
    list: signal.list,
    listSequence: sequence,
    endedBy: undefined,
  }
}

/**
 * The cloud's own event id where there is one. A guest's metadata has none, and its `time` may move with every look, so there
 * the instance, the kind, the effect and the half-hour of the deadline decide. What is said of a change later is another word.
 */
export function deduplicationKey(signal: NeutralSignal): string {
  const phase = signal.phase === undefined || signal.phase === 'announced' ? '' : `:${signal.phase}`
  if (signal.eventId !== undefined) return `event:${signal.eventId}:${signal.nativeId}${phase}`
  const when = Date.parse(signal.deadline ?? signal.observedAt)
  return `guest:${signal.nativeId}:${signal.kind}:${signal.effect}:${Math.floor(when / 1_800_000)}${phase}`
}

interface Situation {
  readonly account: Account
  readonly cloud: Abilities
  readonly fresh: readonly Signal[]
  readonly concerned: readonly Resource[]
  readonly shadows: readonly Shadow[]
  readonly requestedBy: string
}

async function act(control: Control, stores: Stores, situation: Situation): Promise<ReadonlyMap<string, AcceptedSignal>> {
  const nowMs = control.clock.nowMs()
  const answers = new Map<string, AcceptedSignal>()
  const wanted: { readonly signal: Signal; readonly operation: NewOperation }[] = []
  let lookAtPrimaries = false
  for (const signal of situation.fresh) {
    const resource = situation.concerned.find((candidate) => candidate.id === signal.resourceId)
    const decision: SignalDecision = resource
      ? decide({ ...signal, deadlineMs: signal.deadline?.getTime() }, resource, nowMs)
      : aboutNoPrimary(signal)
    const base = { id: signal.id, nativeId: signal.nativeId, kind: signal.kind }
    if (decision.act === 'look') lookAtPrimaries = true
    if (decision.act === 'nothing' || decision.act === 'look' || !resource) {
      answers.set(signal.id, { ...base, outcome: decision.outcome, ...('reason' in decision ? { reason: decision.reason } : {}) })
      continue
    }
    const shadows = situation.shadows.filter((shadow) => shadow.resourceId === resource.id)
    const operations =
      decision.act === 'shift' ? [failoverFor(situation, signal, resource, shadows, nowMs)] : armingFor(situation, signal, resource, shadows)
    wanted.push(...operations.map((operation) => ({ signal, operation })))
    answers.set(signal.id, { ...base, outcome: decision.outcome })
  }
  const started = await startOperations(
    control,
    stores,
    wanted.map((item) => item.operation),
  )
  const hurried: { readonly id: string; readonly deadline: Date | undefined; readonly priority: number }[] = []
  const inTheWay = new Set<string>()
  for (const [index, item] of wanted.entries()) {
    const { operation, joined } = started[index] ?? {}
    const answer = answers.get(item.signal.id)
    if (!operation || !answer) continue
    // A rollback holds the primary, and cannot save it: it is given up, and the look at the primaries then fails it over.
    if (joined && item.operation.kind === 'failover' && operation.kind !== 'failover') inTheWay.add(operation.id)
    if (joined) hurried.push({ id: operation.id, deadline: item.signal.deadline, priority: item.operation.priority })
    answers.set(item.signal.id, { ...answer, operationId: operation.id })
  }
  await stores.operations.hurry(hurried, now(control.clock))
  for (const id of inTheWay) await stores.operations.requestCancel(id, now(control.clock))
  if (lookAtPrimaries || inTheWay.size > 0) await stores.outbox.append([wakeReconciler(control, 'primaries', 2)])
  await record(control, stores, situation, answers)
  return answers
}

/** About a shadow (the reconciler replaces it) or about something that is not ours. */
function aboutNoPrimary(signal: Signal): SignalDecision {
  return signal.shadowId === undefined
    ? { act: 'nothing', outcome: 'unmatched', reason: `${signal.nativeId} is not a primary of this account.` }
    : { act: 'nothing', outcome: 'recorded', reason: `${signal.nativeId} is shadow ${signal.shadowId}: it will be replaced when it is gone.` }
}

function failoverFor(situation: Situation, signal: Signal, resource: Resource, shadows: readonly Shadow[], nowMs: number): NewOperation {
  const plan = planFor({ resource, shadows, cloud: withEntryPoint(situation.cloud, resource), nowMs, deadlineMs: signal.deadline?.getTime() })
  return {
    kind: 'failover',
    projectId: resource.projectId,
    resourceId: resource.id,
    params: failoverParams(plan, { mode: 'interruption', accountId: resource.accountId }),
    lockKey: `failover:${resource.id}`,
    ...(signal.deadline ? { deadline: signal.deadline } : {}),
    priority: priorities.interruption,
    requestedBy: situation.requestedBy,
    reason: `${signal.kind}: ${signal.nativeId} will ${signal.effect}`,
    plan: plan as unknown as Json,
    planHash: contentHash(planIdentity(plan)),
  }
}

function armingFor(situation: Situation, signal: Signal, resource: Resource, shadows: readonly Shadow[]): readonly NewOperation[] {
  return shadows
    .filter((shadow) => shadow.status === 'ready' || shadow.status === 'unproven')
    .map((shadow) => ({
      kind: 'shadow.arm',
      projectId: resource.projectId,
      resourceId: resource.id,
      shadowId: shadow.id,
      params: { shadowId: shadow.id },
      lockKey: `shadow:${shadow.id}`,
      priority: priorities.arm,
      requestedBy: situation.requestedBy,
      reason: `${signal.kind} for ${signal.nativeId}`,
    }))
}

async function record(control: Control, stores: Stores, situation: Situation, answers: ReadonlyMap<string, AcceptedSignal>): Promise<void> {
  const at = now(control.clock)
  await stores.signals.setOutcomes(
    [...answers.values()].flatMap(({ id, outcome, reason, operationId }) =>
      outcome === 'duplicate'
        ? []
        : [{ id, outcome, ...(reason === undefined ? {} : { reason }), ...(operationId === undefined ? {} : { operationId }) }],
    ),
  )
  await stores.events.append(
    situation.fresh.map((signal) => ({
      id: control.ids.next('event'),
      projectId: signal.projectId,
      type: 'io.understudy.signals.received.v1',
      subject: `signals/${signal.id}`,
      at,
      ...(signal.deadline ? { expiresAt: signal.deadline } : {}),
      data: {
        id: signal.id,
        kind: signal.kind,
        effect: signal.effect,
        phase: signal.phase,
        nativeId: signal.nativeId,
        resourceId: signal.resourceId ?? null,
        deadline: signal.deadline?.toISOString() ?? null,
        cause: signal.cause,
        confidence: signal.confidence,
        canPostponeUntil: signal.canPostponeUntil?.toISOString() ?? null,
        canExpedite: signal.canExpedite,
        outcome: answers.get(signal.id)?.outcome ?? 'recorded',
        operationId: answers.get(signal.id)?.operationId ?? null,
      },
    })),
  )
}

export type { Operation }

/** An entry point in another account was looked at there when it was given: what moves it can be reckoned with. */
function withEntryPoint(cloud: Abilities, resource: Resource): Abilities {
  const { traffic } = resource
  return traffic === undefined || entryAccountOf(resource) === resource.accountId
    ? cloud
    : { ...cloud, traffic: { [traffic.mechanism]: { standby: false } } }
}
