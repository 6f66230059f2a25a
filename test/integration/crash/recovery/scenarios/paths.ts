import { expect } from 'vitest'
import { approve, disksOfOne, expectSafetyPoint, expectUntouched } from './scenario.ts'
import type { Scenario } from './scenario.ts'

const asThen = { '/etc/shop.conf': 'then', '/srv/app/a': 'then' }

export const paths: Scenario = {
  name: 'paths',
  title: 'copying paths back',
  arrange(world, when) {
    const files = world.files()
    for (const path of Object.keys(asThen)) files.write(path, Buffer.from(when))
    if (when === 'then') files.remove('/srv/app/new')
    else files.write('/srv/app/new', Buffer.from(when))
  },
  start(prepared) {
    const { device } = prepared.point.manifest!.disks.members.find(({ role }) => role === 'root')!
    return approve(prepared, { recoveryPointId: prepared.point.id, paths: { device, mountedAt: '/', paths: ['/etc/shop.conf', '/srv/app'] } })
  },
  async done(prepared, operation) {
    const { world, before } = prepared
    expect(world.look()).toEqual({ ...before, files: asThen, snapshots: before.snapshots + disksOfOne })
    await expectSafetyPoint(prepared, operation)
    const { restoredDiskId } = operation.params as { restoredDiskId: string }
    expect(await world.control.database.stores.restoredDisks.findById(restoredDiskId)).toMatchObject({ status: 'released' })
  },
  undone: expectUntouched,
}
