import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endedByList, endedByWord, isBefore, movedFrom, overtakenBy, toldOtherwise } from './changes.gate.ts'
import type { ChangeWord } from './changes.gate.ts'

const at = (minutes: number): Date => new Date(Date.UTC(2026, 2, 1, 12, minutes))
const word = (overrides: Partial<ChangeWord> = {}): ChangeWord => ({
  ...{ id: 'sig_1', nativeId: 'i-1', effect: 'reboot', phase: 'announced', changeId: 'e-1', list: 'ahead', listSequence: undefined },
  ...{ observedAt: at(0), deadline: at(60), endedBy: undefined },
  ...overrides,
})
const list = (minutes: number, sequence?: number) => ({
  ...{ nativeId: 'i-1', list: 'ahead', observedAt: at(minutes).toISOString() },
  ...(sequence === undefined ? {} : { sequence }),
})
const phases = (ended: ReturnType<typeof endedByList>) => ended.map(({ phase, announcements }) => [phase, announcements.map(({ id }) => id)])

describe('a list that no longer names a change', () => {
  test('takes it back before its time, and says that it has happened afterwards', () => {
    expect(phases(endedByList(list(59), [], [word()]))).toEqual([['cancelled', ['sig_1']]])
    expect(phases(endedByList(list(60), [], [word()]))).toEqual([['completed', ['sig_1']]])
    expect(phases(endedByList(list(5), [], [word({ deadline: undefined })]))).toEqual([['completed', ['sig_1']]])
  })
  test('says that it has happened when it had begun, however early', () => {
    const begun = word({ id: 'sig_2', phase: 'started', observedAt: at(3), deadline: at(3) })
    expect(phases(endedByList(list(5), [], [word(), begun]))).toEqual([['completed', ['sig_1', 'sig_2']]])
  })
  test('says that a restart has happened whose machine has booted since it was announced, however early; a freeze boots nothing', () => {
    const booted = (minutes: number) => ({ ...list(5), bootedAt: at(minutes) })
    expect(phases(endedByList(booted(3), [], [word()]))).toEqual([['completed', ['sig_1']]])
    expect(phases(endedByList(booted(0), [], [word()]))).toEqual([['cancelled', ['sig_1']]])
    expect(phases(endedByList(booted(3), [], [word({ effect: 'freeze' })]))).toEqual([['cancelled', ['sig_1']]])
  })
  test('takes back what was moved to later, although the start that was said first has passed', () => {
    const moved = word({ id: 'sig_2', deadline: at(600), observedAt: at(50) })
    expect(phases(endedByList(list(70), [], [word(), moved]))).toEqual([['cancelled', ['sig_1', 'sig_2']]])
  })
  test('says nothing of what it names, of other lists, and of other instances', () => {
    expect(endedByList(list(5), [word({ id: 'sig_9', observedAt: at(5) })], [word()])).toEqual([])
    expect(endedByList(list(5), [], [word({ list: 'another' }), word({ list: undefined }), word({ nativeId: 'i-2' })])).toEqual([])
  })
  test('without names of changes: the change with this effect, wherever its start was moved to', () => {
    const nameless = word({ changeId: undefined })
    const moved = word({ id: 'sig_2', changeId: undefined, deadline: at(600), observedAt: at(2) })
    expect(endedByList(list(5), [moved], [nameless])).toEqual([])
    expect(phases(endedByList(list(5), [], [nameless, moved]))).toEqual([['cancelled', ['sig_1', 'sig_2']]])
  })
  test('takes nothing back when it is older than the announcement: by its count, and without one by its time', () => {
    expect(endedByList(list(0), [], [word()])).toEqual([])
    expect(endedByList(list(9, 4), [], [word({ listSequence: 5 })])).toEqual([])
    expect(endedByList(list(9, 5), [], [word({ listSequence: 5 })])).toEqual([])
    expect(endedByList(list(9, 6), [], [word({ listSequence: 5 })])).toHaveLength(1)
    // A day later the cloud may have begun to count anew.
    expect(endedByList(list(25 * 60, 1), [], [word({ listSequence: 5 })])).toHaveLength(1)
  })
  test('is before another moment, after it, or the same, and never two of these', () => {
    const moment = fc.record({ observedAt: fc.nat(1000).map(at), listSequence: fc.option(fc.nat(5), { nil: undefined }) })
    fc.assert(fc.property(moment, moment, (a, b) => !(isBefore(a, b) && isBefore(b, a)) && !isBefore(a, a)))
  })
})

describe('an announcement that is said again', () => {
  const again = (overrides: Partial<ChangeWord> = {}) => word({ id: 'sig_2', observedAt: at(9), ...overrides })
  test('at another start has moved; at the same one, told more precisely, it has not', () => {
    expect(movedFrom(again({ deadline: at(120) }), [word()])).toMatchObject({ id: 'sig_1' })
    expect(movedFrom(again({ deadline: at(20) }), [word()])).toMatchObject({ id: 'sig_1' })
    expect(movedFrom(again({ deadline: new Date(at(60).getTime() + 900) }), [word()])).toBeUndefined()
    expect(movedFrom(again({ deadline: undefined }), [word()])).toBeUndefined()
  })
  test('has moved from where it was said to be last, and back from there as well', () => {
    const moved = word({ id: 'sig_m', observedAt: at(5), deadline: at(120) })
    expect(movedFrom(again({ deadline: at(120) }), [word(), moved])).toBeUndefined()
    expect(movedFrom(again(), [word(), moved])).toMatchObject({ id: 'sig_m' })
  })
  test('has not moved when it is another, older, over, or has begun', () => {
    const later = { deadline: at(120) }
    expect(movedFrom(again({ ...later, changeId: 'e-2' }), [word()])).toBeUndefined()
    expect(movedFrom(again({ ...later, changeId: undefined }), [word({ changeId: undefined })])).toBeUndefined()
    expect(movedFrom(again({ ...later, observedAt: at(0) }), [word()])).toBeUndefined()
    expect(movedFrom(again({ ...later, listSequence: 4 }), [word({ listSequence: 5 })])).toBeUndefined()
    expect(movedFrom(again(later), [word({ endedBy: 'sig_w' })])).toBeUndefined()
    expect(movedFrom(again(later), [word(), word({ id: 'sig_s', phase: 'started', observedAt: at(3) })])).toBeUndefined()
    expect(movedFrom(again({ ...later, phase: 'completed' }), [word()])).toBeUndefined()
  })
})

describe('a word that a change is over', () => {
  const over = word({ id: 'sig_w', phase: 'cancelled', observedAt: at(9) })
  test('ends everything that was said of the change by its name, and nothing that was said later', () => {
    const later = word({ id: 'sig_3', observedAt: at(10) })
    expect(endedByWord(over, [word(), word({ id: 'sig_2', deadline: at(99) }), later, word({ changeId: 'e-2' })]).map(({ id }) => id)).toEqual([
      'sig_1',
      'sig_2',
    ])
  })
  test('without a name is about what has its effect and its start, or about all of them when it names no start', () => {
    const nameless = { ...over, changeId: undefined }
    const held = [word({ changeId: undefined }), word({ id: 'sig_2', changeId: undefined, deadline: at(600) }), word({ id: 'sig_3' })]
    expect(endedByWord(nameless, held).map(({ id }) => id)).toEqual(['sig_1'])
    expect(endedByWord({ ...nameless, deadline: undefined }, held).map(({ id }) => id)).toEqual(['sig_1', 'sig_2'])
  })
  test('is about what came another way with the same effect and start', () => {
    const pushed = word({ id: 'sig_2', changeId: 'arn', list: undefined, deadline: new Date(at(60).getTime() + 30_000) })
    const elsewhen = word({ id: 'sig_3', changeId: 'arn-2', list: undefined, deadline: at(90) })
    const sibling = word({ id: 'sig_4', changeId: 'e-2' })
    expect(toldOtherwise(over, [], [pushed, elsewhen, sibling, { ...pushed, effect: 'stop' }]).map(({ id }) => id)).toEqual(['sig_2'])
    // It was moved since: the start that it was announced for counts as well.
    expect(toldOtherwise({ ...over, deadline: at(500) }, [word()], [pushed])).toHaveLength(1)
  })
  test('that it is over ends what was pushed when it began, which was not at the start of its window', () => {
    const begun = word({ id: 'sig_2', phase: 'started', changeId: 'entry', list: undefined, observedAt: at(5), deadline: at(5) })
    const completed = { ...over, phase: 'completed' as const, changeId: undefined }
    expect(toldOtherwise(completed, [word()], [begun, { ...begun, effect: 'stop' }]).map(({ id }) => id)).toEqual(['sig_2'])
    expect(toldOtherwise(completed, [word()], [{ ...begun, observedAt: at(10) }])).toEqual([])
    expect(toldOtherwise(over, [word()], [begun])).toEqual([])
  })
  test('overtakes an announcement that was made before it and comes in after it', () => {
    expect(overtakenBy(word(), [over])).toBe(over)
    expect(overtakenBy(word({ observedAt: at(10) }), [over])).toBeUndefined()
    expect(overtakenBy(word({ changeId: 'e-2' }), [over])).toBeUndefined()
    expect(overtakenBy(word({ listSequence: 3, observedAt: at(10) }), [{ ...over, listSequence: 4 }])).toMatchObject({ id: 'sig_w' })
  })
  test('that it was taken back does not overtake that it began, whenever that comes in', () => {
    const begun = word({ id: 'sig_2', phase: 'started', observedAt: at(3), deadline: at(3) })
    expect(overtakenBy(begun, [over])).toBeUndefined()
    expect(overtakenBy(begun, [{ ...over, phase: 'completed' }])).toMatchObject({ id: 'sig_w' })
    expect(phases(endedByList(list(9), [], [begun]))).toEqual([['completed', ['sig_2']]])
  })
  test('overtakes what was pushed when it began and comes in when the books call it over, and nothing that began later', () => {
    const begun = word({ id: 'sig_2', phase: 'started', changeId: 'entry', list: undefined, observedAt: at(5), deadline: at(5) })
    const completed = { ...over, phase: 'completed' as const, changeId: undefined }
    expect(overtakenBy(begun, [completed])).toBe(completed)
    expect(overtakenBy({ ...begun, observedAt: at(10) }, [completed])).toBeUndefined()
    expect(overtakenBy({ ...begun, effect: 'stop' }, [completed])).toBeUndefined()
    expect(overtakenBy({ ...begun, list: 'another' }, [completed])).toBeUndefined()
    expect(overtakenBy(begun, [over])).toBeUndefined()
  })
})
