import { VirtualClock } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { expect } from 'vitest'
import { assemble, build, Workshop } from './fixture.ts'

async function makeWorld(expected: readonly string[], pace?: VirtualClock) {
  const shop = new Workshop()
  return {
    deps: shop,
    params: { name: 'cart' },
    expectDone: (outputs: object) => {
      expect([...shop.things]).toEqual(expected)
      for (const thing of expected) expect(outputs).toMatchObject({ [thing]: { thing } })
    },
    expectCleanSlate: () => expect([...shop.things]).toEqual([]),
    ...(pace === undefined ? {} : { clock: pace }),
  }
}

sagaLaws(build, { makeWorld: () => makeWorld(['frame', 'engine', 'paint', 'sign']) })
sagaLaws(assemble, { makeWorld: () => makeWorld(['frame', 'engine']), faultsAt: ['engine'] })
