import { seededImages, seedRegion, simProvider } from '@understudy/cloud-sim'
import { seededRandom, VirtualClock } from '@understudy/core'
import type { InstanceRef, Provider } from '@understudy/provider'
import { beforeEach, expect, test } from 'vitest'
import { ensureResting } from './ensure-running.ts'

let clock: VirtualClock
let provider: Provider
let ref: InstanceRef
beforeEach(async () => {
  clock = new VirtualClock()
  const dc = seedRegion({ clock, random: seededRandom(1) })
  provider = simProvider(dc)
  const { instances } = dc.instances.run({
    imageId: seededImages.ubuntu,
    instanceType: 'm7i.large',
    minCount: 1,
    maxCount: 1,
    hibernationConfigured: true,
  })
  ref = { ...provider.scope, nativeId: instances[0]?.instanceId ?? '' }
  while (dc.instances.get(ref.nativeId)?.answering !== true) await clock.advanceAsync(1000)
})

/** Lets time pass until it has come to rest, or has been left alone. */
async function rest(mayRest?: () => Promise<boolean>): Promise<boolean> {
  const context = { idempotencyKey: '0'.repeat(32), tags: {}, actor: 'test', priority: 'background', signal: new AbortController().signal } as const
  let isOver = false
  const resting = ensureResting({ clock }, provider, ref, true, context, mayRest).finally(() => {
    isOver = true
  })
  for (let seconds = 0; !isOver && seconds < 600; seconds++) await clock.advanceAsync(1000)
  return await resting
}
const state = async (): Promise<string | undefined> => (await provider.inventory.states([ref])).get(ref.nativeId)?.state

test('a guest that cannot save its memory yet is asked again, until it can', async () => {
  expect(await rest()).toBe(true)
  expect(await state()).toBe('held')
})

test('one that somebody else has taken meanwhile is left alone', async () => {
  let asked = 0
  expect(await rest(() => Promise.resolve(++asked < 3))).toBe(false)
  expect(await state()).toBe('running')
})
