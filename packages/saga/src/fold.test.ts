import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { saga } from './definition.ts'
import { foldLog, IllegalLog } from './fold.ts'
import type { FoldedLog } from './fold.ts'
import type { SagaEvent, SagaEventType } from './log.ts'

const nothing = { title: 't', budget: { maxMs: 1 }, run: async () => null, undo: 'nothing-to-undo' } as const
const undoable = { ...nothing, undo: async () => undefined }

/** a and b can be undone, n has nothing to undo, w may be passed over; c and d lie behind the point of no return. */
const definition = saga<object, object>('letters', { version: 1, params: z.object({}) })
  .step('n', nothing)
  .step('a', undoable)
  .step('w', { ...undoable, when: () => true })
  .step('b', undoable)
  .commit()
  .step('c', nothing)
  .step('d', nothing)
  .end()

const marks: Record<string, SagaEventType> = {
  '>': 'started',
  '+': 'succeeded',
  '-': 'failed',
  '<': 'undo_started',
  '=': 'undo_finished',
  '!': 'undo_failed',
}
const broken = { code: 'broken', message: 'It broke.', transient: false }

/** `a>` started, `a+` succeeded, `a-` failed, `a<` undo started, `a=` undo finished, `a!` undo failed; a digit in front of the mark is the attempt (default 1). */
function log(text: string): SagaEvent[] {
  return text.split(' ').flatMap((word, index) => {
    if (word === '') return []
    const [, step, digit, mark] = /^([a-z])(\d?)(.)$/.exec(word)!
    const type = marks[mark!]!
    const data = type === 'failed' || type === 'undo_failed' ? broken : type === 'succeeded' && digit !== '0' ? { of: step! } : null
    return [{ sequence: index + 1, type, step: step!, attempt: digit === '' ? 1 : Number(digit), data, atMs: index }]
  })
}

const fold = (text: string, skippedSteps: string[] = []): FoldedLog =>
  foldLog(definition, log(text), { operationId: 'op_1', skippedSteps, roundsMax: 3 })
const brief = ({ phase, next, committed }: FoldedLog): string =>
  `${phase}${next ? ` ${next.action} ${next.step}` : ''}${committed ? ', committed' : ''}`

describe('a legal log', () => {
  const passed = 'n> n+ a> a+ w> w+ b> b+'
  it.each([
    ['', 'forward run n'],
    ['n>', 'forward run n'],
    ['n> n2> n3+', 'forward run a'],
    ['n> n+ a> a+ w0> w0+', 'forward run b'],
    [passed, 'forward run c'],
    [`${passed} c>`, 'forward run c, committed'],
    [`${passed} c> c-`, 'forward run c, committed'],
    [`${passed} c> c- c2> c2- c3> c3-`, 'stuck run c, committed'],
    [`${passed} c> c- c2> c2- c3> c3- c4>`, 'forward run c, committed'],
    [`${passed} c> c- c2> c2- c3> c3- c4> c4-`, 'forward run c, committed'],
    [`${passed} c> c- c2> c2+ d> d+`, 'done, committed'],
    ['n> n-', 'undone'],
    ['n> n+ a> a-', 'undoing undo a'],
    ['n> n+ a> a- a<', 'undoing undo a'],
    ['n> n+ a> a- a< a2< a2=', 'undone'],
    ['n> n+ a> a- a< a!', 'stuck undo a'],
    ['n> n+ a> a- a< a! a2<', 'undoing undo a'],
    ['n> n+ a> a+ w> w-', 'undoing undo w'],
    ['n> n+ a> a+ w> w- w< w=', 'undoing undo a'],
    ['n> n+ a> a+ w0> w0+ b> b- b< b=', 'undoing undo a'],
    ['n> n+ a> a<', 'undoing undo a'],
    [`${passed} b<`, 'undoing undo b'],
    [`${passed} b< b= w< w= a< a=`, 'undone'],
  ])('%s is %s', (text, expected) => {
    expect(brief(fold(text))).toBe(expected)
  })

  it('counts a step that a person has skipped as done, or as undone', () => {
    expect(brief(fold(`${passed} c> c-`, ['c']))).toBe('forward run d, committed')
    expect(brief(fold(`${passed} c> c- d> d+`, ['c']))).toBe('done, committed')
    expect(brief(fold(`${passed} c> c- c2>`, ['c']))).toBe('forward run c, committed')
    expect(brief(fold('n> n+ a> a+ w> w- w< w!', ['w']))).toBe('undoing undo a')
    expect(brief(fold('n> n+ a> a+ w> w- w< w! a< a=', ['w']))).toBe('undone')
  })

  it('shows by itself what was skipped, to a reader who does not know', () => {
    const unknown = (text: string): string => brief(foldLog(definition, log(text), { roundsMax: 3 }))
    expect(unknown(`${passed} c> c- d> d+`)).toBe('done, committed')
    expect(unknown(`${passed} c> c-`)).toBe('forward run c, committed')
    expect(unknown('n> n+ a> a+ w> w- w< w! a< a=')).toBe('undone')
    expect(unknown('n> n+ a> a+ w> w- w< w!')).toBe('stuck undo w')
    expect(() => unknown(`${passed} c> d>`)).toThrow(/c comes first and is running/)
  })

  it('does not skip what has not failed', () => {
    expect(brief(fold(passed, ['c', 'a']))).toBe('forward run c')
    expect(brief(fold('n> n+ a> a-', ['a']))).toBe('undoing undo a')
  })

  it('keeps attempts, outputs and the failure that began the unwinding', () => {
    const { steps, failure, undoNext } = fold('n> n+ a> a2> a4+ w> w- w< w!')
    expect(steps['a']).toMatchObject({ status: 'succeeded', attempts: 4, output: { of: 'a' } })
    expect(steps['w']).toMatchObject({ status: 'undo_failed', undoAttempts: 1, failure: broken, undoFailure: broken })
    expect(failure).toEqual(broken)
    expect(undoNext).toBe('w')
    expect(fold(`${passed} c>`).undoNext).toBeUndefined()
  })
})

describe('an illegal log', () => {
  const passed = 'n> n+ a> a+ w> w+ b> b+'
  it.each([
    ['x>', /event 1 \(started of x\).* no such step/],
    ['a>', /n comes first and is pending/],
    ['n+', /the step is pending, not running/],
    ['n> n>', /attempt 1 does not follow attempt 1/],
    ['n> n3> n2+', /attempt 2 is older/],
    ['n> n+ n2>', /already succeeded/],
    ['n> n- n2>', /has failed before the point of no return/],
    ['n> n- a>', /n has failed before/],
    ['n> n+ n<', /nothing to undo/],
    ['a<', /the step is pending/],
    ['n> n+ a> a+ w> w- a<', /w was started later and is failed: it is undone first/],
    ['n> n+ a> a- a=', /its undo was not started/],
    ['n> n+ a> a- a< a= a2<', /the step is undone/],
    ['n> n+ a> a- a< w>', /a is undoing: the saga is unwinding/],
    ['n> n+ a> a- a< a<', /undo attempt 1 does not follow attempt 1/],
    ['n> n+ a> a- a< a-', /the step is undoing, not running/],
    ['n0>', /has no `when`/],
    ['n> n+ a> a+ w0> w+', /passed over/],
    ['n> n+ a> a+ w0> w0-', /succeeds, with null/],
    ['n> n+ a> a+ w> w0+', /older/],
    ['n> n+ a> a+ w0> w0+ w<', /passed over: it did nothing/],
    [`${passed} c> b<`, /point of no return has passed/],
    [`${passed} c> c- d>`, /c comes first and is failed/],
    [`${passed} c> c+ c2>`, /already succeeded/],
  ])('%s is refused', (text, why) => {
    expect(() => fold(text)).toThrow(IllegalLog)
    expect(() => fold(text)).toThrow(why)
    expect(() => fold(text)).toThrow(/operation op_1: event \d+/)
  })

  it('is refused with a gap, a repetition, or a failure that is none', () => {
    const events = log('n> n+')
    expect(() => foldLog(definition, [{ ...events[0]!, sequence: 2 }])).toThrow(/sequence should be 1/)
    expect(() => foldLog(definition, [events[0]!, events[0]!])).toThrow(/sequence should be 2/)
    expect(() => foldLog(definition, [events[0]!, { ...events[1]!, type: 'failed', data: null }])).toThrow(/not a failure/)
  })
})

describe('any legal run', () => {
  /** Walks as a runner might, with crashes, failures, cancellations and persons' retries, by a list of choices. */
  function walk(choices: readonly number[]): SagaEvent[] {
    const events: SagaEvent[] = []
    const add = (type: SagaEventType, step: string, attempt: number): void => {
      const data = type.endsWith('failed') ? broken : null
      events.push({ sequence: events.length + 1, type, step, attempt, data, atMs: 0 })
    }
    for (const choice of choices) {
      const { next, steps, undoNext, phase } = foldLog(definition, events)
      const running = Object.entries(steps).find(([, state]) => state.status === 'running')
      const undoing = Object.entries(steps).find(([, state]) => state.status === 'undoing')
      if (running && choice < 8) add(choice < 5 ? 'succeeded' : 'failed', running[0], running[1].attempts + (choice % 2))
      else if (undoing && choice < 8) add(choice < 5 ? 'undo_finished' : 'undo_failed', undoing[0], undoing[1].undoAttempts)
      else if (choice === 9 && undoNext !== undefined && phase !== 'undone') add('undo_started', undoNext, steps[undoNext]!.undoAttempts + 1)
      else if (next === undefined) return events
      else if (next.action === 'run') add('started', next.step, steps[next.step]!.attempts + 1)
      else add('undo_started', next.step, steps[next.step]!.undoAttempts + 1)
    }
    return events
  }

  it('can be cut off anywhere: every prefix folds, and says how to resume', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }), (choices) => {
        const events = walk(choices)
        for (let length = 0; length <= events.length; length++) {
          const prefix = events.slice(0, length)
          const { next, phase, steps, lastSequence } = foldLog(definition, prefix)
          expect(lastSequence).toBe(length)
          expect(next === undefined).toBe(phase === 'done' || phase === 'undone')
          if (next === undefined) continue
          const run = next.action === 'run'
          const attempt = (run ? steps[next.step]!.attempts : steps[next.step]!.undoAttempts) + 1
          const resumed: SagaEvent = { sequence: length + 1, type: run ? 'started' : 'undo_started', step: next.step, attempt, data: null, atMs: 0 }
          expect(() => foldLog(definition, [...prefix, resumed])).not.toThrow()
        }
      }),
      { numRuns: 300 },
    )
  })
})
