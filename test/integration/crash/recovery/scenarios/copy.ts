import { priorities, startOperation } from '@understudy/control'
import type { Operation } from '@understudy/control'
import { now } from '@understudy/core'
import { expect } from 'vitest'
import { disksOfOne } from './scenario.ts'
import type { Prepared, Scenario } from './scenario.ts'

const region = 'sim-west-1'

const copyOf = async ({ world, point }: Prepared) => (await world.control.database.stores.recoveryCopies.listOf(point.projectId, [point.id]))[0]
const copied = ({ world, point }: Prepared): readonly string[] => world.site.copiesOf(point.id)

/** As the reconciler begins it, of this point alone. */
async function start({ world: { control }, point }: Prepared): Promise<Operation> {
  const id = control.ids.next('recoveryCopy')
  const at = now(control.clock)
  return control.database.transaction(async (stores) => {
    const { operation } = await startOperation(control, stores, {
      ...{ kind: 'recovery.copy', projectId: point.projectId, params: { copyId: id, pointId: point.id }, resourceId: point.resourceId },
      ...{ lockKey: `recovery.copy:${point.id}:${region}`, priority: priorities.background, requestedBy: 'system:crash', reason: 'a crash' },
    })
    await stores.recoveryCopies.insert([
      {
        ...{ id, projectId: point.projectId, resourceId: point.resourceId, accountId: point.accountId, pointId: point.id, region, status: 'copying' },
        ...{ members: [], attempts: 1, nextAttemptAt: undefined, operationId: operation.id, lastError: undefined, completedAt: undefined },
        ...{ deletedAt: undefined, createdAt: at, updatedAt: at, version: 1 },
      },
    ])
    return operation
  })
}

export const copy: Scenario = {
  name: 'copy',
  title: 'copying a point to another region',
  start,
  async done(prepared) {
    const { world, before, point } = prepared
    const found = await copyOf(prepared)
    expect(found).toMatchObject({ status: 'complete', attempts: 1 })
    // Each member once, with the bytes of then.
    expect(found!.members.map(({ source }) => source).toSorted()).toEqual(point.manifest!.disks.members.map(({ snapshot }) => snapshot).toSorted())
    const there = copied(prepared)
    expect(there).toHaveLength(disksOfOne)
    expect(there.toSorted()).toEqual(found!.members.map((member) => world.site.snapshotIdOf(member.copy)).toSorted())
    for (const id of there) expect(Buffer.from(world.cloud.dataCentre.blocks.read(id, 0, 4)).toString()).toBe('then')
    expect(world.look()).toEqual(before)
  },
  async undone(prepared) {
    expect(await copyOf(prepared)).toMatchObject({ status: 'failed', members: [] })
    expect(copied(prepared)).toEqual([])
    expect(prepared.world.look()).toEqual(prepared.before)
  },
}
