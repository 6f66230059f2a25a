import { now } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { ReadList } from '@understudy/provider'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import { endedByList, endedByWord, isAnnouncement, movedFrom, overtakenBy, toldOtherwise } from './changes.gate.ts'
import type { ChangeWord } from './changes.gate.ts'
import type { Signal, SignalSource } from './signal.ts'

/** A list that was read to its end, with the document that it was read from. */
export interface ReceivedList {
  readonly list: ReadList
  readonly raw: Json
  /** When the machine was started that read it, where it has said so. */
  readonly bootedAt?: Date
}

/** A row that says that a change is over, and which announcements it is known to end. */
export interface EndingWord {
  readonly row: Signal
  readonly ends: readonly ChangeWord[]
}

/** What is known of the changes that these rows and lists speak of; nothing is asked when they speak of none. */
export async function knownChanges(
  stores: Pick<Stores, 'signals'>,
  accountId: string,
  rows: readonly Signal[],
  lists: readonly ReceivedList[],
): Promise<readonly Signal[]> {
  const spokenOf = rows.filter(({ kind }) => kind === 'maintenance').map(({ nativeId }) => nativeId)
  const nativeIds = [...new Set([...spokenOf, ...lists.map(({ list }) => list.nativeId)])]
  return nativeIds.length === 0 ? [] : stores.signals.aboutChanges(accountId, nativeIds)
}

/** An announcement that a later word has overtaken is kept as what it is: over. */
export function withOvertaken(row: Signal, known: readonly Signal[]): Signal {
  if (row.kind !== 'maintenance' || !isAnnouncement(row)) return row
  const word = overtakenBy(row, known)
  return word === undefined ? row : { ...row, endedBy: word.id, deduplicationKey: `ended:${word.id}:${row.deduplicationKey}` }
}

/** Said again at another start, under the same name, it is not a repetition: its start has moved. */
export function withMoved(row: Signal, known: readonly Signal[]): Signal {
  if (row.kind !== 'maintenance') return row
  const last = movedFrom(row, known)
  return last === undefined ? row : { ...row, deduplicationKey: `moved:${last.id}:${row.deduplicationKey}` }
}

/**
 * What lists say by no longer naming what they named: one word for each change that is over. Said again, it is counted on the first one,
 * although nothing holds any more that it could end.
 */
export function wordsOfLists(
  control: Pick<Control, 'ids' | 'clock'>,
  source: SignalSource,
  lists: readonly ReceivedList[],
  rows: readonly Signal[],
  known: readonly Signal[],
): readonly EndingWord[] {
  const explicit = rows.filter((row) => !isAnnouncement(row))
  const holding = known.filter((held) => isAnnouncement(held) && !explicit.some((word) => endedByWord(word, [held]).length > 0))
  return lists.flatMap(({ list, raw, bootedAt }): readonly EndingWord[] => {
    const said = { observedAt: new Date(list.observedAt), receivedAt: now(control.clock), list: list.list, listSequence: list.sequence, raw, source }
    const ended = endedByList({ ...list, ...(bootedAt === undefined ? {} : { bootedAt }) }, rows.filter(isAnnouncement), holding)
    const saysNothing = ended.length === 0 && !rows.some(({ nativeId }) => nativeId === list.nativeId)
    const last = saysNothing ? lastWordOf(list, known) : undefined
    if (last !== undefined) return [{ row: { ...last, ...said, id: control.ids.next('signal') }, ends: [] }]
    return ended.map(({ phase, announcements }) => {
      const first = holding.find(({ id }) => id === announcements[0].id)
      if (first === undefined) throw new Error('what a list ends is among what held')
      const row = { ...first, ...said, id: control.ids.next('signal'), phase, deduplicationKey: `ended:${first.id}` }
      return { row, ends: announcements }
    })
  })
}

const lastWordOf = (list: ReadList, known: readonly Signal[]): Signal | undefined =>
  known.findLast((word) => !isAnnouncement(word) && word.nativeId === list.nativeId && word.list === list.list)

/**
 * Ends what these words end. A word that is said again ends only what has its name: what came another way meanwhile may be new. Answers
 * whether anything has ended.
 */
export async function endAnnouncements(
  stores: Pick<Stores, 'signals'>,
  words: readonly EndingWord[],
  holding: readonly Signal[],
  { inserted, duplicateOf }: { readonly inserted: ReadonlySet<string>; readonly duplicateOf: ReadonlyMap<string, string> },
): Promise<boolean> {
  const endings = words.flatMap(({ row, ends }) => {
    const named = [...ends, ...endedByWord(row, holding)]
    const others = inserted.has(row.id) ? toldOtherwise(row, named, holding) : []
    return [...named, ...others].map(({ id }) => ({ id, endedBy: duplicateOf.get(row.id) ?? row.id }))
  })
  // The first word counts.
  await stores.signals.end([...new Map(endings.toReversed().map((ending) => [ending.id, ending])).values()])
  return endings.length > 0
}
