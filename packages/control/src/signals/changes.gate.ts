import type { ReadList } from '@understudy/provider'
import type { Signal } from './signal.ts'

/** What decides about an announced change: who says it, of which change, and when. */
export type ChangeWord = Pick<
  Signal,
  'id' | 'nativeId' | 'effect' | 'phase' | 'changeId' | 'list' | 'listSequence' | 'observedAt' | 'deadline' | 'endedBy'
>
type Moment = Pick<ChangeWord, 'observedAt' | 'listSequence'>

const dayMs = 86_400_000
/** Starts of one change that differ by less are the same start, told in another precision. */
const sameStartMs = 60_000

/** Whether it announces something that is still to come or under way. */
export const isAnnouncement = ({ phase }: Pick<ChangeWord, 'phase'>): boolean => phase === 'announced' || phase === 'started'

/**
 * Whether `a` was said before `b`. The cloud's count decides where both have one, since documents arrive out of order; a day later it may
 * have begun anew.
 */
export function isBefore(a: Moment, b: Moment): boolean {
  const betweenMs = b.observedAt.getTime() - a.observedAt.getTime()
  if (a.listSequence !== undefined && b.listSequence !== undefined && betweenMs <= dayMs) return a.listSequence < b.listSequence
  return betweenMs > 0
}

/** Of one instance: by the cloud's name for the change, and where it has none by what it does. */
export const isSameChange = (a: ChangeWord, b: ChangeWord): boolean =>
  a.nativeId === b.nativeId && (a.changeId === undefined && b.changeId === undefined ? a.effect === b.effect : a.changeId === b.changeId)

export interface Ended {
  readonly phase: 'completed' | 'cancelled'
  /** All that was said of one change, the first word first. */
  readonly announcements: readonly [ChangeWord, ...ChangeWord[]]
}

/** The one that was said last. */
const lastOf = (first: ChangeWord, others: readonly ChangeWord[]): ChangeWord =>
  others.reduce((last, other) => (isBefore(last, other) ? other : last), first)

/**
 * What was last announced of a change that is announced again under its own name, and at another start: its cloud has moved it. What has
 * begun is not moved, and a change without a name has none to be known by.
 */
export function movedFrom(announcement: ChangeWord, holding: readonly ChangeWord[]): ChangeWord | undefined {
  if (announcement.phase !== 'announced' || announcement.changeId === undefined) return undefined
  const [first, ...others] = holding.filter((held) => held.endedBy === undefined && isAnnouncement(held) && isSameChange(held, announcement))
  if (first === undefined || [first, ...others].some(({ phase }) => phase === 'started')) return undefined
  const last = lastOf(first, others)
  return isBefore(last, announcement) && isElsewhen(last, announcement) ? last : undefined
}

/** Whether both name a start, and not the same one. */
export const isElsewhen = (a: Pick<ChangeWord, 'deadline'>, b: Pick<ChangeWord, 'deadline'>): boolean =>
  a.deadline !== undefined && b.deadline !== undefined && Math.abs(a.deadline.getTime() - b.deadline.getTime()) >= sameStartMs

/** Whether a word names another start of a change than what was told of it before, which has not begun. */
export function movesStart(told: readonly ChangeWord[], word: ChangeWord): boolean {
  const before = told.filter((held) => isSameChange(held, word))
  return before.some((held) => isElsewhen(held, word)) && before.every((held) => held.phase !== 'started' && isBefore(held, word))
}

/** What a machine does not come through without a boot. */
const boots: ReadonlySet<string> = new Set(['reboot', 'redeploy', 'stop', 'hibernate'])

/**
 * Which changes are over because a list no longer names them. One that had begun, or whose time had come, has happened; one that vanishes
 * before has been taken back, unless the machine has booted since it was announced and it is of a kind that has one boot: then somebody may
 * have had it early, and nobody has seen it begin. The start that was said last counts. A list that is not newer than an announcement says
 * nothing of it.
 */
export function endedByList(
  list: ReadList & { readonly bootedAt?: Date },
  named: readonly ChangeWord[],
  holding: readonly ChangeWord[],
): readonly Ended[] {
  const read: Moment = { observedAt: new Date(list.observedAt), listSequence: list.sequence }
  const gone = holding.filter(
    (word) =>
      word.nativeId === list.nativeId && word.list === list.list && isBefore(word, read) && !named.some((present) => isSameChange(present, word)),
  )
  return [...Map.groupBy(gone, ({ changeId, effect }) => changeId ?? effect).values()].flatMap(([first, ...others]) => {
    if (first === undefined) return []
    const announcements: Ended['announcements'] = [first, ...others]
    const { deadline, observedAt } = lastOf(first, others)
    const hasCome = announcements.some(({ phase }) => phase === 'started') || (deadline ?? observedAt) <= read.observedAt
    const hasBooted = boots.has(first.effect) && list.bootedAt !== undefined && list.bootedAt > first.observedAt
    return [{ phase: hasCome || hasBooted ? 'completed' : 'cancelled', announcements }]
  })
}

/** Which announcements a word ends: those of the change that it names, or, where it names none, of this effect and start. */
export const endedByWord = (word: ChangeWord, holding: readonly ChangeWord[]): readonly ChangeWord[] =>
  holding.filter((held) => !isBefore(word, held) && isSameChange(word, held) && (word.changeId !== undefined || isAtStartOf(held, [word])))

/**
 * Which announcements speak of a change that is over by another name, because they came another way: pushed, where the others stand in a
 * list, or the other way round. They have the same effect and start; or they say that it began, whenever that was, and this word that it is
 * over: of one effect no two changes of one instance are under way at once.
 */
export const toldOtherwise = (word: ChangeWord, ended: readonly ChangeWord[], holding: readonly ChangeWord[]): readonly ChangeWord[] =>
  holding.filter((held) => !isBefore(word, held) && !ended.includes(held) && isToldOtherwise(held, word, ended))

const isToldOtherwise = (held: ChangeWord, word: ChangeWord, ended: readonly ChangeWord[]): boolean =>
  held.nativeId === word.nativeId &&
  held.effect === word.effect &&
  (held.list === undefined) !== (word.list === undefined) &&
  (isAtStartOf(held, [word, ...ended]) || (held.phase === 'started' && word.phase === 'completed'))

/** A word that names no time is about any. */
const isAtStartOf = ({ deadline }: ChangeWord, words: readonly ChangeWord[]): boolean =>
  words.some(
    (word) => word.deadline === undefined || (deadline !== undefined && Math.abs(word.deadline.getTime() - deadline.getTime()) < sameStartMs),
  )

/**
 * The word that had ended an announcement before it came in: it was overtaken, and announces nothing any more. Also one that came another way:
 * a cloud may push late that a change has begun which its own books call over. What has begun was not taken back: whoever said so had not heard
 * of it.
 */
export const overtakenBy = (announcement: ChangeWord, words: readonly ChangeWord[]): ChangeWord | undefined =>
  words.findLast(
    (word) =>
      !isAnnouncement(word) &&
      !isBefore(word, announcement) &&
      !(word.phase === 'cancelled' && announcement.phase === 'started') &&
      (isOfThisChange(word, announcement) || isToldOtherwise(announcement, word, [])),
  )

/** Only a name of its own is the same in every list. */
const isOfThisChange = (word: ChangeWord, announcement: ChangeWord): boolean =>
  isSameChange(word, announcement) && (word.changeId !== undefined || (word.list === announcement.list && isAtStartOf(announcement, [word])))
