import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@understudy/core'
import { expect, test } from 'vitest'
import { openDatabase } from './database.ts'
import { aKey, aProject, anOperation, aWorld, start, untilSomebodyWaits, useDatabase } from './testing/fixtures.ts'
import type { DatabaseObservation } from './observe.ts'

const connection = useDatabase()

test('everything of a transaction is there when it has ended, and nothing when it failed', async () => {
  const { database } = connection
  const [kept, lost] = [aProject(), aProject()]
  expect(await database.transaction(async (stores) => (await stores.access.insertProject(kept), 'answer'))).toBe('answer')
  const failing = database.transaction(async (stores) => {
    await stores.access.insertProject(lost)
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await database.stores.access.findProject(kept.id)).toEqual(kept)
  expect(await database.stores.access.findProject(lost.id)).toBeUndefined()
})

test('work that goes on after a failed statement is not told that its changes are in', async () => {
  const { database } = connection
  const project = aProject()
  await database.stores.access.insertProject(project)
  const other = aProject()
  const careless = database.transaction(async (stores) => {
    await stores.access.insertProject(other)
    await stores.access.insertProject(project).catch(() => undefined)
  })
  await expect(careless).rejects.toMatchObject({ kind: 'already_exists' })
  expect(await database.stores.access.findProject(other.id)).toBeUndefined()
})

test('work may go on after a compare-and-swap that it lost', async () => {
  const { database } = connection
  const { account } = await aWorld(database)
  const project = aProject()
  await database.transaction(async (stores) => {
    await stores.accounts.update(account, 99).catch(() => undefined)
    await stores.access.insertProject(project)
  })
  expect(await database.stores.access.findProject(project.id)).toEqual(project)
})

test('a transaction that loses a deadlock is run again', async () => {
  const observations: DatabaseObservation[] = []
  const database = openDatabase({ url: connection.url, clock: systemClock(), observe: (observation) => observations.push(observation) })
  const [a, b] = [anOperation(), anOperation()]
  await database.stores.operations.insertUnlocked([a, b])
  const hurry = (id: string) => [{ id, deadline: undefined, priority: 1 }]
  let both = 0
  let release: () => void
  const bothHoldOne = new Promise<void>((resolve) => (release = resolve))
  const crossing = (first: string, second: string) =>
    database.transaction(async (stores) => {
      await stores.operations.hurry(hurry(first), start)
      if (++both === 2) release()
      await bothHoldOne
      await stores.operations.hurry(hurry(second), start)
    })
  await Promise.all([crossing(a.id, b.id), crossing(b.id, a.id)])
  expect(observations.filter(({ type }) => type === 'retry')).toHaveLength(1)
  await database.close()
})

test('transactions that race for one row each see the other’s result', async () => {
  const { database } = connection
  const { account } = await aWorld(database)
  const client = await connection.client()
  await client.query('begin')
  await client.query("update accounts set version = 2, name = 'theirs' where id = $1", [account.id])
  const ours = database.stores.accounts.update({ ...account, name: 'ours' }, 1)
  const refused = expect(ours).rejects.toMatchObject({ kind: 'precondition_failed' })
  await untilSomebodyWaits(await connection.client())
  await client.query('commit')
  await refused
})

test('a text that cannot be stored is the caller’s mistake', async () => {
  await expect(connection.database.stores.access.insertProject(aProject({ name: 'nul \0' }))).rejects.toMatchObject({ kind: 'invalid_request' })
})

test('a session in another time zone reads the same times', async () => {
  const client = await connection.client()
  await client.query(`alter database ${new URL(connection.url).pathname.slice(1)} set timezone to 'Asia/Tokyo'`)
  const database = openDatabase({ url: connection.url, clock: systemClock() })
  const project = aProject()
  await database.stores.access.insertProject(project)
  const key = aKey({ projectId: project.id, expiresAt: start })
  await database.stores.access.insertKey(key, 'tokyo')
  expect(await database.stores.access.findKeyByHash('tokyo')).toEqual(key)
  const operation = anOperation({ kind: 'tokyo' })
  await database.stores.operations.insertUnlocked([operation])
  expect(await database.sagas.claim({ runner: 'r', limit: 1, leaseMs: 1, nowMs: start.getTime(), sagas: ['tokyo'] })).toMatchObject([
    { createdMs: start.getTime() },
  ])
  await database.close()
})

test('a server that is not there is unavailable, everywhere', async () => {
  const database = openDatabase({ url: `postgresql://nobody:x@127.0.0.1:${await aClosedPort()}/none`, clock: systemClock() })
  const lease = { id: 'op_1', generation: 1 }
  for (const call of [
    () => database.ping(),
    () => database.stores.access.countKeys(),
    () => database.stores.audit.append([{ projectId: 'p', at: start, actor: 'a', action: 'b', target: 'c' }]),
    () => database.transaction((stores) => stores.access.countKeys()),
    () => database.sagas.claim({ runner: 'r', limit: 1, leaseMs: 1, nowMs: 0, sagas: ['x'] }),
    () => database.sagas.append(lease, []),
  ]) {
    await expect(call()).rejects.toMatchObject({ name: 'AppError', kind: 'unavailable' })
  }
  await database.close()
})

test('a connection that breaks in the middle is unavailable, and the next call gets a new one', async () => {
  const { database } = connection
  const client = await connection.client()
  const broken = database.transaction(async (stores) => {
    await stores.access.countKeys()
    await client.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name <> 'test'")
    await stores.access.countKeys()
  })
  await expect(broken).rejects.toMatchObject({ kind: 'unavailable' })
  // Every idle connection was ended too; each is noticed at the latest when it is asked for.
  await expect.poll(() => database.stores.access.countKeys().catch(() => undefined)).toBeTypeOf('number')
  await database.ping()
})

test('what comes after the end is unavailable, and what was asked for before it is written', async () => {
  const database = openDatabase({ url: connection.url, clock: systemClock() })
  const operation = anOperation({ kind: 'closing' })
  await database.stores.operations.insertUnlocked([operation])
  const [claimed] = await database.sagas.claim({ runner: 'r', limit: 1, leaseMs: 1000, nowMs: start.getTime(), sagas: ['closing'] })
  const finishing = database.sagas.finish(claimed!, { status: 'succeeded', atMs: start.getTime() })
  await database.close()
  await finishing
  expect(await connection.database.stores.operations.findById(operation.id)).toMatchObject({ status: 'succeeded' })
  await expect(database.ping()).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(database.sagas.note(claimed!, { step: 's', message: 'm', atMs: 0 })).rejects.toMatchObject({ kind: 'unavailable' })
})

test('no statement may take for ever', async () => {
  const client = await connection.client()
  const { database } = connection
  const operation = anOperation()
  await database.stores.operations.insertUnlocked([operation])
  await client.query('begin')
  await client.query('select 1 from operations where id = $1 for update', [operation.id])
  const waiting = database.stores.operations.requestCancel(operation.id, start)
  const refused = expect(waiting).rejects.toMatchObject({ kind: 'unavailable' })
  const other = await connection.client()
  await untilSomebodyWaits(other)
  // What the server's own limit does when it is reached.
  await other.query("select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
  await refused
  await client.query('rollback')
})

test('every call is measured under its name', async () => {
  const observations: DatabaseObservation[] = []
  const database = openDatabase({ url: connection.url, clock: systemClock(), observe: (observation) => observations.push(observation) })
  await database.stores.access.findProject('prj_x')
  await database.transaction((stores) => stores.shadows.listAlive([]))
  await expect(database.stores.accounts.delete('prj_x', 'acc_x', 1)).rejects.toMatchObject({ kind: 'not_found' })
  const calls = observations.flatMap((observation) => (observation.type === 'call' ? [[observation.name, observation.failed]] : []))
  expect(calls).toEqual([
    ['access.findProject', false],
    ['shadows.listAlive', false],
    ['transaction', false],
    ['accounts.delete', true],
  ])
  await database.close()
})

/** A port that was free a moment ago. */
async function aClosedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
