import { captureRecoveryPoint } from '@understudy/control'
import { expect } from 'vitest'
import { disksOfOne, pointOf, wholeSnapshots } from './scenario.ts'
import type { Scenario } from './scenario.ts'

export const capture: Scenario = {
  name: 'capture',
  title: 'keeping a recovery point',
  start: ({ world }) => captureRecoveryPoint(world.control, world.principal, { resourceId: world.resource().id, reason: 'a crash' }),
  async done(prepared, { params }) {
    const { world, before, point } = prepared
    const kept = await pointOf(prepared, (params as { pointId: string }).pointId)
    expect(kept).toMatchObject({ status: 'usable', manifest: { parent: { point: point.id } } })
    expect(wholeSnapshots(world, kept!)).toBe(disksOfOne)
    expect(world.look()).toEqual({ ...before, snapshots: before.snapshots + disksOfOne })
  },
  async undone(prepared, { params }) {
    const kept = await pointOf(prepared, (params as { pointId: string }).pointId)
    expect(kept).toMatchObject({ status: 'failed', manifest: undefined })
    expect(prepared.world.look()).toEqual(prepared.before)
  },
}
