import { expect } from 'vitest'
import { approve, disksOfOne, expectSafetyPoint, expectUntouched } from './scenario.ts'
import type { Scenario } from './scenario.ts'

export const fields: Scenario = {
  name: 'fields',
  title: 'setting fields of the definition back',
  arrange: ({ site }, when) =>
    site.define({ tags: { team: when, [`of-${when}`]: 'yes' }, without: [when === 'then' ? 'of-now' : 'of-then'], isProtected: when === 'now' }),
  start: (prepared) => approve(prepared, { recoveryPointId: prepared.point.id, fields: ['tags', 'protection'] }),
  async done(prepared, operation) {
    const { before, world } = prepared
    const { 'of-now': _now, ...tags } = before.tags
    expect(world.look()).toEqual({
      ...before,
      ...{ tags: { ...tags, team: 'then', 'of-then': 'yes' }, isProtected: false, snapshots: before.snapshots + disksOfOne },
    })
    await expectSafetyPoint(prepared, operation)
  },
  undone: expectUntouched,
}
