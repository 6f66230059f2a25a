import { VirtualClock } from '@understudy/core'
import { sagaLawCases, sagaLaws } from '@understudy/testing/saga-laws'
import type { LawOptions } from '@understudy/testing/saga-laws'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { saga } from './definition.ts'
import type { Saga } from './definition.ts'
import { assemble, build, Workshop } from './fixture.ts'
import type { SagaStore } from './store.ts'
import { createMapStore } from './testing-store.ts'

async function makeWorld(expected: readonly string[]) {
  const shop = new Workshop()
  return {
    deps: shop,
    params: { name: 'cart' },
    expectDone: (outputs: object) => {
      expect([...shop.things]).toEqual(expected)
      for (const thing of expected) expect(outputs).toMatchObject({ [thing]: { thing } })
    },
    expectCleanSlate: () => expect([...shop.things]).toEqual([]),
    clock: new VirtualClock(),
  }
}

sagaLaws(build, { makeWorld: () => makeWorld(['frame', 'engine', 'paint', 'sign']) })
sagaLaws(assemble, { makeWorld: () => makeWorld(['frame', 'engine']), faultsAt: ['engine'] })

/** A ledger that an author may handle carelessly. */
interface Ledger {
  entries: string[]
}
const params = z.object({})
const careful = {
  title: 'Write the entry',
  budget: { maxMs: 10_000 },
  run: async (ledger: Ledger) => {
    if (!ledger.entries.includes('entry')) ledger.entries.push('entry')
    return 'entry'
  },
  undo: async (ledger: Ledger) => {
    ledger.entries = ledger.entries.filter((entry) => entry !== 'entry')
  },
}
const laterStep = { title: 'Look', budget: { maxMs: 10_000 }, run: async () => null, undo: 'nothing-to-undo' } as const
const withStep = (step: typeof careful): Saga<Ledger, object> =>
  saga<Ledger, object>('ledger', { version: 1, params }).step('write', step).step('look', laterStep).end()

const world: LawOptions<Ledger> = {
  makeWorld: async () => {
    const deps: Ledger = { entries: [] }
    return {
      deps,
      params: {},
      expectDone: () => expect(deps.entries).toEqual(['entry']),
      expectCleanSlate: () => expect(deps.entries).toEqual([]),
    }
  },
}

async function broken(definition: Saga<Ledger, object>, options: LawOptions<Ledger> = world): Promise<string[]> {
  const sentences: string[] = []
  for (const { sentence, run } of sagaLawCases(definition, options)) await run().catch(() => sentences.push(sentence))
  return sentences
}

describe('the laws', () => {
  it('hold for a careful saga', async () => {
    expect(await broken(withStep(careful))).toEqual([])
  })

  it('catch a step that is not idempotent', async () => {
    const run: typeof careful.run = async (ledger) => {
      ledger.entries.push('entry')
      return 'entry'
    }
    const sentences = await broken(withStep({ ...careful, run }))
    expect(sentences).toContain('succeeds when every step runs twice')
    expect(sentences).toContain('succeeds when write fails for now after its effect')
    expect(sentences).toContain('is done after a crash between the effect of write and its entry in the log')
    expect(sentences).not.toContain('succeeds')
  })

  it('catch an undo that does nothing', async () => {
    const sentences = await broken(withStep({ ...careful, undo: async () => undefined }))
    expect(sentences).toContain('leaves a clean slate when write fails for good after its effect')
    expect(sentences).toContain('leaves a clean slate when look fails for good before its effect')
    expect(sentences).toContain('leaves a clean slate when it is cancelled just after the effect of write')
    expect(sentences).toContain('leaves a clean slate after a crash just after the undo of write was started')
    expect(sentences).not.toContain('leaves a clean slate when write fails for good before its effect')
  })

  it('catch an undo that counts on the output', async () => {
    const undo = async (ledger: Ledger, context: { readonly output: string | undefined }): Promise<void> => {
      ledger.entries = ledger.entries.filter((entry) => entry !== context.output)
    }
    const sentences = await broken(withStep({ ...careful, undo: undo as never }))
    expect(sentences).toContain('leaves a clean slate when write fails for good after its effect')
    expect(sentences).not.toContain('leaves a clean slate when look fails for good after its effect')
  })

  it('catch an undo that cannot run twice', async () => {
    const undo: typeof careful.undo = async (ledger) => {
      if (ledger.entries.length === 0) throw new Error('there is nothing to remove')
      ledger.entries = []
    }
    const sentences = await broken(withStep({ ...careful, undo }))
    expect(sentences).toContain('leaves a clean slate when look fails for good before its effect and every undo runs twice')
    expect(sentences).toContain('leaves a clean slate after a crash between the undo of write and its entry in the log')
  })

  it('catch a store that lets stale runners write', async () => {
    const makeStore = async () => {
      const map = createMapStore()
      const current = (id: string): { id: string; generation: number } => ({ id, generation: map.operations.get(id)!.generation })
      const store: SagaStore = { ...map, append: (operation, ...rest) => map.append(current(operation.id), ...rest) }
      return { ...map, store }
    }
    const sentences = await broken(withStep(careful), { ...world, makeStore })
    expect(sentences).toEqual(['refuses every write of a runner whose lease was taken over'])
  })
})
