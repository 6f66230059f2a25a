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

test('an announcement is adopted once, and what is late, over, or about nobody, not at all', async () => {
  const of = await place()
  const told = { ...of, kind: 'maintenance', effect: 'reboot' } as const
  const fresh = aSignal(told)
  await connection.database.stores.signals.insertNew([
    fresh,
    aSignal({ ...told, outcome: 'late' }),
    aSignal({ ...told, resourceId: undefined }),
    aSignal({ ...told, kind: 'risk' }),
    aSignal({ ...told, phase: 'cancelled' }),
    aSignal({ ...told, endedBy: 'sig_1' }),
  ])
  expect(await transitions().unadopted(later(-1), 10)).toMatchObject([{ id: fresh.id }])
  await transitions().insert(aTransition(of, { signalIds: [fresh.id] }))
  expect(await transitions().unadopted(later(-1), 10)).toEqual([])
  expect(await transitions().unadopted(start, 10)).toEqual([])
})

test('a transition has ended when everything that announced it has, and something has happened when any word says so', async () => {
  const of = await place()
  const told = { ...of, kind: 'maintenance', effect: 'reboot' } as const
  const [calledOff, done] = [
    aSignal({ ...told, phase: 'cancelled', observedAt: later(5) }),
    aSignal({ ...told, phase: 'completed', observedAt: later(6) }),
  ]
  const [open, first, second] = [aSignal(told), aSignal({ ...told, endedBy: calledOff.id }), aSignal({ ...told, endedBy: done.id, phase: 'started' })]
  await connection.database.stores.signals.insertNew([calledOff, done, open, first, second])
  const made = (...signalIds: readonly string[]) => aTransition(of, { source: 'caller', signalIds })
  const [holds, cancelled, completed, silent] = [made(open.id, first.id), made(first.id), made(first.id, second.id), made()]
  for (const transition of [holds, cancelled, completed, silent]) await transitions().insert(transition)
  expect(await transitions().endings([holds, cancelled, completed, silent].map(({ id }) => id))).toEqual(
    new Map([
      [cancelled.id, { phase: 'cancelled', signalId: calledOff.id, at: later(5) }],
      [completed.id, { phase: 'completed', signalId: done.id, at: later(6) }],
    ]),
  )
})

test('one that is over stays among the open ones as long as its loan is out, and one that has begun is found when that is asked for', async () => {
  const of = await place()
  const lent = aTransition(of, { status: 'cancelled', lentTier: true, effect: 'stop' })
  await transitions().insert(lent)
  const isOpen = async () => (await transitions().listOpen(1000)).some(({ id }) => id === lent.id)
  expect(await isOpen()).toBe(true)
  await transitions().update({ ...lent, lentTier: false }, 1)
  expect(await isOpen()).toBe(false)
  const begun = aTransition(of, { status: 'started' })
  await transitions().insert(begun)
  expect(await transitions().findAnnounced('i-1', of.resourceId, 'reboot')).toBeUndefined()
  expect(await transitions().findAnnounced('i-1', of.resourceId, 'reboot', { begun: true })).toMatchObject({ id: begun.id })
  const ahead = aTransition(of, { status: 'prepared' })
  await transitions().insert(ahead)
  expect(await transitions().findAnnounced('i-1', of.resourceId, 'reboot', { begun: true })).toMatchObject({ id: ahead.id })
})
