import { afterAll, beforeAll, expect, it } from 'vitest'
import { wireWorld } from './testing/wire-world.ts'

let world: Awaited<ReturnType<typeof wireWorld>>
beforeAll(async () => {
  world = await wireWorld()
})
afterAll(() => world.close())

it('finds no type for a definition whose vCPUs are whole ones only while credits last', async () => {
  const offered = world.server.dataCentre.catalogue.describeInstanceTypes().items.map(({ instanceType }) => instanceType)
  expect(offered.some((type) => type.startsWith('t'))).toBe(true)
  const fitting = (await world.provider.portable?.fitting({ arch: 'x86_64', vcpus: 1, memoryMiB: 512 })) ?? []
  expect(fitting.length).toBeGreaterThan(0)
  expect(fitting.map(({ instanceType }) => instanceType).filter((type) => type.startsWith('t'))).toEqual([])
})
