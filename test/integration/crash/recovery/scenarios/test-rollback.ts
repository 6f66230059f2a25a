import { startTestRollback } from '@understudy/control'
import { expect } from 'vitest'
import type { Scenario } from './scenario.ts'

export const testRollback: Scenario = {
  name: 'testRollback',
  title: 'a test rollback',
  start: ({ world, point }) => startTestRollback(world.control, world.principal, { id: point.id, reason: 'a crash' }),
  async done({ world, before }, { params }) {
    const { drillId } = params as { drillId: string }
    const drill = await world.control.database.stores.restoreDrills.findById(drillId)
    expect(drill).toMatchObject({ status: 'passed', record: { outcome: 'passed' }, cleanedAt: expect.any(Date) as Date })
    expect(world.look()).toEqual(before)
  },
  async undone({ world, before }, { params }) {
    const { drillId } = params as { drillId: string }
    expect(await world.control.database.stores.restoreDrills.findById(drillId)).toMatchObject({ status: 'aborted' })
    expect(world.look()).toEqual(before)
  },
}
