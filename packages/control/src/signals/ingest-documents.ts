import type { Json } from '@understudy/core'
import type { NeutralSignal } from '@understudy/provider'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { acceptSignals } from './accept-signals.ts'
import type { AcceptedSignal, Received } from './accept-signals.ts'
import type { ReceivedList } from './follow-changes.ts'
import type { SignalSource } from './signal.ts'
import { now } from '@understudy/core'

export interface Ingested {
  readonly signals: readonly AcceptedSignal[]
  /** Documents that concern nobody, or that could not be read, with the reason. They are not an error: clouds send more than concerns us. */
  readonly ignored: readonly { readonly index: number; readonly outcome: 'ignored' | 'malformed'; readonly reason: string }[]
}

/** Reads what a cloud pushed (or its queue held), in the cloud's own words, and takes it in. */
export async function ingestDocuments(
  control: Control,
  input: {
    readonly account: Account
    readonly source: SignalSource
    readonly documents: readonly unknown[]
    readonly nativeId?: string
    readonly documentKind?: string
    /** When they were read; left out: now. */
    readonly readAt?: Date
    /** When the machine was started that has read them, where it says so. */
    readonly bootedAt?: Date
  },
): Promise<Ingested> {
  const adapter = control.providers.adapter(input.account.provider)
  if (!adapter) throw new Error(`account ${input.account.id} has the unknown provider ${input.account.provider}`)
  const { bootedAt } = input
  const at = (input.readAt ?? now(control.clock)).toISOString()
  const received: Received[] = []
  const lists: (ReceivedList & { readonly index: number })[] = []
  const ignored: Ingested['ignored'][number][] = []
  for (const [index, document] of input.documents.entries()) {
    const parsed = adapter.parse(document, {
      at,
      ...(input.nativeId === undefined ? {} : { nativeId: input.nativeId }),
      ...(input.documentKind === undefined ? {} : { documentKind: input.documentKind }),
    })
    if (parsed.outcome !== 'signals') ignored.push({ index, outcome: parsed.outcome, reason: parsed.reason })
    else if (parsed.signals.every(isStorable)) {
      received.push(...parsed.signals.map((signal) => ({ signal, raw: document as Json })))
      lists.push(...(parsed.lists ?? []).map((list) => ({ list, raw: document as Json, index, ...(bootedAt === undefined ? {} : { bootedAt }) })))
    } else ignored.push({ index, outcome: 'malformed', reason: 'It names an instance or an event by something that is no id.' })
  }
  const signals = await acceptSignals(control, { account: input.account, source: input.source, received, lists })
  if (signals.length === 0)
    for (const { index } of lists) ignored.push({ index, outcome: 'ignored', reason: 'It announces nothing, and takes nothing back.' })
  return { signals, ignored }
}

/** Ids that were inside of an envelope were not looked at when the request came in. */
const isStorable = ({ nativeId, eventId = '' }: NeutralSignal): boolean =>
  [nativeId, eventId].every((id) => id.length <= idLengthMax && id.isWellFormed() && !/\p{Cc}/u.test(id))
const idLengthMax = 512
