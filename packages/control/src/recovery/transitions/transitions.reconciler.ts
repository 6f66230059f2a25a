import { now } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import { abilitiesOf } from '../../cloud/abilities.ts'
import type { Control } from '../../context.ts'
import { priorities } from '../../operations/operation.ts'
import { startOperation } from '../../operations/start-operation.ts'
import { AccountFailures } from '../../reconcilers/per-account.ts'
import type { Reconciler } from '../../reconcilers/reconciler.ts'
import type { Stores } from '../../database.ts'
import type { Resource, Tier } from '../../resources/resource.ts'
import { isElsewhen, movesStart } from '../../signals/changes.gate.ts'
import type { Signal } from '../../signals/signal.ts'
import { beginCapture } from '../begin-capture.ts'
import { findPolicyOf } from '../policies/may-roll-back.ts'
import type { TransitionRule } from '../policies/policy.ts'
import { rollBackByPolicy } from './automatic-rollback.ts'
import { changeTransition, tell } from './change-transition.ts'
import { takeTierBack, tierToLend } from './lent-tier.ts'
import { takeBack } from './take-back.ts'
import { mayKeepAgain } from './keep-again.ts'
import { openStatuses } from './transition.ts'
import type { Transition, TransitionEnding } from './transition.ts'
import { wakeReconciler } from '../../reconcilers/wake-reconciler.ts'

const perPass = 500
const adoptSinceMs = 60 * 86_400_000
/** Without a policy: a day before it starts. */
const usualLeadSeconds = 86_400
/** How long a change takes of which nobody has said it. */
const usualSeconds = 15 * 60
/** A look that could not be taken, since the cloud did not answer, is taken again so long afterwards. */
const lookAgainMs = 5 * 60_000
const actor = systemActor('transitions')

/** Makes transitions of what clouds announce, and brings each one along: prepared when it is near, started, looked at afterwards. */
export const transitionsReconciler: Reconciler = {
  name: 'transitions',
  everyMs: 30_000,
  passMaxMs: 300_000,
  async pass(control) {
    const { stores } = control.database
    const counts = { announced: 0, changed: 0 }
    for (const signal of await stores.transitions.unadopted(new Date(control.clock.nowMs() - adoptSinceMs), perPass)) {
      await adopt(control, signal)
      counts.announced += 1
    }
    const failures = new AccountFailures()
    const open = await stores.transitions.listOpen(perPass)
    const endings = await stores.transitions.endings(open.map(({ id }) => id))
    for (const transition of open) {
      await failures.isolate(control, transition.accountId, async () => {
        if (await bringAlong(control, transition, endings.get(transition.id))) counts.changed += 1
      })
    }
    return { result: { ...counts, open: open.length, failingAccounts: failures.report() } }
  },
}

async function adopt(control: Control, signal: Signal): Promise<void> {
  await control.database.transaction(async (stores) => {
    const resource = signal.resourceId === undefined ? undefined : await stores.resources.findById(signal.resourceId)
    if (resource === undefined) return
    const startsAt = signal.phase === 'started' ? signal.observedAt : (signal.deadline ?? signal.receivedAt)
    if (await adoptKnown(control, stores, { signal, resource, startsAt })) return
    const at = now(control.clock)
    const transition: Transition = {
      id: control.ids.next('transition'),
      ...{ projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId, nativeId: signal.nativeId },
      source: 'cloud',
      effect: signal.effect,
      reason: `The cloud has announced maintenance: ${signal.effect}`,
      requestedBy: `signal:${signal.id}`,
      startsAt,
      estimatedSeconds: undefined,
      postponeUntil: signal.canPostponeUntil,
      canExpedite: signal.canExpedite,
      signalIds: [signal.id],
      ...{ status: 'announced', pointId: undefined, lentTier: false, check: undefined, operationId: undefined },
      ...{ createdAt: at, updatedAt: at, version: 1 },
    }
    await stores.transitions.insert(transition)
    await tell(control, stores, transition, { what: 'announced', actor })
  })
}

/** Clouds tell of one change in several ways, each with an id of its own; and of its new start, when they move it. */
async function adoptKnown(
  control: Control,
  stores: Stores,
  { signal, resource, startsAt }: { readonly signal: Signal; readonly resource: Resource; readonly startsAt: Date },
): Promise<boolean> {
  const begun = signal.phase === 'started'
  const known = await stores.transitions.findAnnounced(signal.nativeId, resource.id, signal.effect, { begun: true })
  if (known === undefined) return false
  const signalIds = [...known.signalIds, signal.id]
  if (begun && known.status !== 'started') {
    const change = { signalIds, startsAt, status: 'started' } as const
    await changeTransition(control, stores, known, change, { what: 'started', actor, data: { announcedFor: known.startsAt.toISOString() } })
    return true
  }
  if (begun) {
    await stores.transitions.update({ ...known, signalIds }, known.version)
    return true
  }
  const told = await Promise.all(known.signalIds.map((id) => stores.signals.find(known.projectId, id)))
  const moved = movesStart(
    told.filter((word) => word !== undefined),
    signal,
  )
  // It has begun, and the cloud's books still name the start that was announced.
  if (known.status === 'started' && !moved && told.some((word) => isSameStart(word, signal))) {
    await stores.transitions.update({ ...known, signalIds }, known.version)
    return true
  }
  // Its time had come by what was said before, and it has not begun: unless it is looked at already, it is ahead again.
  if (known.status === 'started' && (!moved || known.operationId !== undefined)) return false
  const postponeUntil = signal.canPostponeUntil ?? known.postponeUntil
  // Another precision is not another start.
  const isOther = isElsewhen({ deadline: known.startsAt }, { deadline: startsAt }) && (moved || signal.observedAt >= known.updatedAt)
  const change = { signalIds, postponeUntil, canExpedite: known.canExpedite || signal.canExpedite, ...(isOther ? { startsAt } : {}) }
  if (!isOther) {
    await stores.transitions.update({ ...known, ...change }, known.version)
    return true
  }
  // Later than it was prepared for, it is prepared for once more when it is near.
  const status = moved && startsAt > known.startsAt ? 'announced' : known.status
  const data = { from: known.startsAt.toISOString(), signalId: signal.id }
  await changeTransition(control, stores, known, { ...change, status }, { what: 'rescheduled', actor, data })
  return true
}

const isSameStart = (word: Signal | undefined, signal: Signal): boolean =>
  word?.deadline !== undefined && signal.deadline !== undefined && word.phase === 'announced' && !isElsewhen(word, signal)

/** One thing at most, then the next pass. Answers whether anything was done. */
async function bringAlong(control: Control, transition: Transition, ending: TransitionEnding | undefined): Promise<boolean> {
  const { stores } = control.database
  const resource = await stores.resources.findById(transition.resourceId)
  const nowMs = control.clock.nowMs()
  // 0. It is over, and what was lent for it is still out.
  if (!openStatuses.includes(transition.status) && transition.lentTier) return takeTierBack(control, transition, resource)
  // 1. Nobody is there whom it could concern.
  if (resource === undefined) return move(control, transition, { status: 'cancelled' }, 'cancelled')
  // 2. The primary has moved away, before or during: whatever becomes of the former one, the resource is served.
  if (resource.nativeId !== transition.nativeId && transition.status !== 'damaged') return move(control, transition, { status: 'avoided' }, 'avoided')
  const rule = (await findPolicyOf(stores, resource))?.rules
  // 3. It is over, and the resource is not whole.
  if (transition.status === 'damaged') return rollBackByPolicy(control, transition, rule?.automatic)
  // It has come to its end since the open ones were listed: nothing begins anew.
  if (!openStatuses.includes(transition.status)) return false
  // 4. Whoever announced it says that it is over.
  if (ending !== undefined) return finish(control, transition, resource, ending)
  const { leadSeconds = usualLeadSeconds } = rule?.transitions ?? {}
  const startMs = transition.startsAt.getTime()
  // 5. It is near.
  if (transition.status === 'announced' && startMs - nowMs <= leadSeconds * 1000) return prepare(control, transition, resource, rule?.transitions)
  // What was to be kept could not be, and there is time to try again.
  if (transition.status === 'prepared' && startMs > nowMs && (await mayKeepAgain(control, transition)))
    return prepare(control, transition, resource, rule?.transitions)
  // 6. Its time has come.
  if (transition.status === 'prepared' && startMs <= nowMs) return move(control, transition, { status: 'started' }, 'started')
  // 7. Its time is over.
  const overMs = startMs + (transition.estimatedSeconds ?? usualSeconds) * 1000
  if (transition.status === 'started' && overMs <= nowMs) return check(control, transition, resource)
  return false
}

/** Taken back before its time: it will not be. Otherwise something has happened, or may have: it is looked at without waiting for its time to be over. */
async function finish(control: Control, transition: Transition, resource: Resource, ending: TransitionEnding): Promise<boolean> {
  if (transition.status === 'started') return check(control, transition, resource)
  if (ending.phase === 'cancelled' && ending.at < transition.startsAt) {
    await control.database.transaction((stores) => takeBack(control, stores, transition, { actor, ending }))
    return true
  }
  const startsAt = ending.at < transition.startsAt ? ending.at : transition.startsAt
  return move(control, transition, { status: 'started', startsAt }, 'started')
}

async function move(control: Control, transition: Transition, change: Partial<Transition>, what: string): Promise<boolean> {
  await control.database.transaction((stores) => changeTransition(control, stores, transition, change, { what, actor }))
  return true
}

const madeText = ({ hosts }: Tier): string =>
  hosts === 'same-group' ? 'a shadow is being made on the same group of hosts' : 'a shadow is being made'

async function prepare(control: Control, transition: Transition, resource: Resource, rule: TransitionRule | undefined): Promise<boolean> {
  const account = await control.database.stores.accounts.findById(resource.accountId)
  const cloud = account === undefined ? undefined : abilitiesOf(await control.providers.open(account))
  const canSnapshot = cloud?.snapshots === true
  const { tier, refused } = tierToLend(resource, rule, cloud)
  return control.database.transaction(async (stores) => {
    const reason = `Before ${transition.reason}`.slice(0, 500)
    const begun =
      canSnapshot && resource.status !== 'lost' ? await beginCapture(control, stores, { resource, reason, requestedBy: actor }) : undefined
    // Somebody captures it right now: this one is begun when that has ended, unless it starts before.
    if (begun?.joined === true && transition.startsAt.getTime() > control.clock.nowMs()) return false
    const pointId = begun?.joined === false ? begun.pointId : undefined
    if (tier !== undefined) {
      const status = resource.status === 'unprotected' ? 'degraded' : resource.status
      await stores.resources.update({ ...resource, tier, status, updatedAt: now(control.clock) }, resource.version)
    }
    await stores.outbox.append([wakeReconciler(control, 'shadows')])
    const shadows =
      tier !== undefined ? madeText(tier) : resource.tier === undefined ? `none: ${refused ?? 'it has no tier'}` : 'as its tier promises'
    const kept = canSnapshot ? {} : { notKept: 'Disks of this cloud cannot be kept yet.' }
    const change = { status: 'prepared', pointId, lentTier: transition.lentTier || tier !== undefined } as const
    await changeTransition(control, stores, transition, change, { what: 'prepared', actor, data: { shadows, ...kept } })
    return true
  })
}

async function check(control: Control, transition: Transition, resource: Resource): Promise<boolean> {
  if (!(await mayBegin(control, transition))) return false
  await control.database.transaction(async (stores) => {
    const { operation } = await startOperation(control, stores, {
      kind: 'transition.check',
      projectId: transition.projectId,
      params: { transitionId: transition.id },
      resourceId: resource.id,
      lockKey: `transition:${transition.id}`,
      priority: priorities.drill,
      requestedBy: actor,
      reason: `After ${transition.reason}`.slice(0, 500),
    })
    await changeTransition(control, stores, transition, { operationId: operation.id }, { what: 'check_started', actor, operationId: operation.id })
  })
  return true
}

/** Whether nobody looks already, and nobody has just tried to. */
async function mayBegin({ database, clock }: Control, { operationId }: Transition): Promise<boolean> {
  const before = operationId === undefined ? undefined : await database.stores.operations.findById(operationId)
  if (before === undefined) return true
  return before.finishedAt !== undefined && clock.nowMs() - before.finishedAt.getTime() >= lookAgainMs
}
