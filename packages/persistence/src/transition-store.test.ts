import { expect, test } from 'vitest'
import { aSignal, aTransition, aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const transitions = () => connection.database.stores.transitions

async function place() {
  const { project, account, resource } = await aWorld(connection.database)
  return { projectId: project.id, accountId: account.id, resourceId: resource.id }
}

test('a transition comes back as it was stored, and only to its project', async () => {
  const of = await place()
  const bare = aTransition(of)
  const full = aTransition(of, {
    ...{
      nativeId: 'i-2',
      estimatedSeconds: 60,
      postponeUntil: later(9),
      signalIds: ['sig_1'],
      status: 'damaged',
      pointId: 'rp_1',
      operationId: 'op_1',
    },
    check: {
      at: later(1).toISOString(),
      findings: [{ kind: 'not_running', message: 'no' }],
      recommendedPointId: 'rp_1',
      automatic: { personCalled: 'no' },
    },
  })
  for (const transition of [bare, full]) {
    await transitions().insert(transition)
    expect(await transitions().find(of.projectId, transition.id)).toEqual(transition)
    expect(await transitions().find('prj_other', transition.id)).toBeUndefined()
  }
  const open = (await transitions().listOpen(100)).map(({ id }) => id)
  expect(open).toContain(bare.id)
  expect(open).not.toContain(full.id)
  const { recoverySchedules } = connection.database.stores
  expect(await recoverySchedules.inUse(['rp_1'])).toEqual(new Set())
  await transitions().update({ ...bare, pointId: 'rp_2' }, 1)
  expect(await recoverySchedules.inUse(['rp_1', 'rp_2'])).toEqual(new Set(['rp_2']))
  await expect(transitions().update(bare, 1)).rejects.toMatchObject({ kind: 'precondition_failed' })
})

test('of one change that a cloud has announced there is one transition before it starts', async () => {
  const of = await place()
  await transitions().insert(aTransition(of))
  await expect(transitions().insert(aTransition(of))).rejects.toThrow()
  await transitions().insert(aTransition(of, { effect: 'stop' }))
  await transitions().insert(aTransition(of, { source: 'caller' }))
})

test('an announcement is adopted once, and what is late, or about nobody, not at all', async () => {
  const of = await place()
  const told = { ...of, kind: 'maintenance', effect: 'reboot' } as const
  const fresh = aSignal(told)
  await connection.database.stores.signals.insertNew([
    fresh,
    aSignal({ ...told, outcome: 'late' }),
    aSignal({ ...told, resourceId: undefined }),
    aSignal({ ...told, kind: 'risk' }),
  ])
  expect(await transitions().unadopted(later(-1), 10)).toMatchObject([{ id: fresh.id }])
  await transitions().insert(aTransition(of, { signalIds: [fresh.id] }))
  expect(await transitions().unadopted(later(-1), 10)).toEqual([])
  expect(await transitions().unadopted(start, 10)).toEqual([])
})
