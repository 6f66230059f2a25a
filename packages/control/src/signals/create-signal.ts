import { AppError, assert, notFound, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { NeutralSignal } from '@understudy/provider'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { acceptSignals } from './accept-signals.ts'
import { ingestDocuments } from './ingest-documents.ts'
import type { Signal } from './signal.ts'

export interface NewSignal {
  /** Either our id of the resource, or the account and the cloud's id of the instance. */
  readonly resourceId?: string
  readonly accountId?: string
  readonly nativeId?: string
  /** Either the signal in our vocabulary … */
  readonly kind?: NeutralSignal['kind']
  readonly effect?: NeutralSignal['effect']
  readonly phase?: NeutralSignal['phase']
  readonly deadline?: Date
  readonly confidence?: NeutralSignal['confidence']
  readonly cause?: NeutralSignal['cause']
  readonly canPostponeUntil?: Date
  readonly canExpedite?: boolean
  /** … or the document as the guest's metadata service gave it. */
  readonly document?: Json
  readonly documentKind?: string
  /** When it was read or noticed, where that is not now. A time ahead counts as now. */
  readonly observedAt?: Date
  /** Of a document: how long the machine was up that has read it. Clocks of guests may be wrong; this is a length. */
  readonly uptimeSeconds?: number | undefined
}

/** Takes in what an agent, a platform or a person says about an instance. */
export async function createSignal(control: Control, principal: Principal, input: NewSignal): Promise<Signal & { readonly duplicates: number }> {
  requireRole(principal, 'operator')
  const { account, nativeId } = await subjectOf(control, principal, input)
  const answers =
    input.document === undefined
      ? await acceptOwn(control, principal, account, nativeId, input)
      : await acceptDocument(control, account, nativeId, input)
  const first = answers.find(({ outcome }) => outcome !== 'duplicate') ?? answers[0]
  assert(first, 'a signal that was taken in has an answer')
  const signal = await control.database.stores.signals.find(principal.projectId, first.id)
  if (!signal) throw notFound('signal')
  return signal
}

async function subjectOf(
  control: Control,
  principal: Principal,
  input: NewSignal,
): Promise<{ readonly account: Account; readonly nativeId: string }> {
  const { stores } = control.database
  if (input.resourceId !== undefined) {
    const resource = await stores.resources.find(principal.projectId, input.resourceId)
    const account = resource && (await stores.accounts.find(principal.projectId, resource.accountId))
    if (!resource || !account) throw notFound('resource')
    return { account, nativeId: input.nativeId ?? resource.nativeId }
  }
  if (input.accountId === undefined || input.nativeId === undefined) {
    throw new AppError('invalid_request', 'Say which instance it is about: resourceId, or accountId and nativeId.', {
      errors: [{ pointer: '/resourceId', message: 'Give resourceId, or both accountId and nativeId.' }],
    })
  }
  const account = await stores.accounts.find(principal.projectId, input.accountId)
  if (!account) throw notFound('account')
  return { account, nativeId: input.nativeId }
}

async function acceptOwn(control: Control, principal: Principal, account: Account, nativeId: string, input: NewSignal) {
  if (input.kind === undefined) {
    throw new AppError('invalid_request', 'Say what the signal is: kind, or document with documentKind.', {
      errors: [{ pointer: '/kind', message: 'Give kind, or document and documentKind.' }],
    })
  }
  const { phase } = input
  if (phase !== undefined && input.kind !== 'maintenance')
    throw new AppError('invalid_request', 'Only of maintenance can be said how far it is.', {
      errors: [{ pointer: '/phase', message: 'Leave it out, or say maintenance as the kind.' }],
    })
  const signal: NeutralSignal = {
    kind: input.kind,
    effect: input.effect ?? 'unknown',
    ...(phase === undefined ? {} : { phase }),
    nativeId,
    ...(input.deadline === undefined ? {} : { deadline: input.deadline.toISOString() }),
    observedAt: observed(control, input).toISOString(),
    confidence: input.confidence ?? 'certain',
    cause: input.cause ?? 'unknown',
    ...(input.canPostponeUntil === undefined ? {} : { canPostponeUntil: input.canPostponeUntil.toISOString() }),
    canExpedite: input.canExpedite ?? false,
  }
  return acceptSignals(control, { account, source: 'api', received: [{ signal, raw: { ...signal } }], requestedBy: actorOf(principal) })
}

async function acceptDocument(control: Control, account: Account, nativeId: string, input: NewSignal) {
  const readAt = observed(control, input)
  const ingested = await ingestDocuments(control, {
    account,
    source: 'agent',
    documents: [input.document],
    nativeId,
    ...(input.documentKind === undefined ? {} : { documentKind: input.documentKind }),
    readAt,
    ...(input.uptimeSeconds === undefined ? {} : { bootedAt: new Date(readAt.getTime() - input.uptimeSeconds * 1000) }),
  })
  const [refused] = ingested.ignored
  if (refused && ingested.signals.length === 0) {
    throw new AppError('invalid_request', `The document says nothing that can be acted on: ${refused.reason}`, {
      errors: [{ pointer: '/document', message: refused.reason }],
    })
  }
  return ingested.signals
}

/** Clocks of guests may be ahead of ours: what they saw is not later than when we hear of it. */
function observed(control: Control, { observedAt }: NewSignal): Date {
  const at = now(control.clock)
  return observedAt === undefined || observedAt > at ? at : observedAt
}
