import { expect } from 'vitest'
import { approve, disksOfOne, expectSafetyPoint, expectUntouched } from './scenario.ts'
import type { Scenario } from './scenario.ts'

export const rollback: Scenario = {
  name: 'rollback',
  title: 'a rollback',
  start: (prepared) => approve(prepared, { recoveryPointId: prepared.point.id }),
  async done(prepared, operation) {
    const { before, world } = prepared
    const after = world.look()
    // The same instance in every way that can be seen, with the bytes of then; what it had is unplugged, and whole.
    expect(after).toEqual({
      ...before,
      ...{ volumes: after.volumes, bytes: before.bytes.map(() => 'then'), snapshots: before.snapshots + disksOfOne },
      loose: [...before.loose, ...before.volumes].toSorted(),
    })
    expect(after.volumes.filter((volume) => before.volumes.includes(volume))).toEqual([])
    const { blocks } = world.cloud.dataCentre
    expect(before.volumes.map((volume) => Buffer.from(blocks.read(volume, 0, 4)).toString())).toEqual(before.bytes)
    await expectSafetyPoint(prepared, operation)
  },
  undone: expectUntouched,
}
