import {
  cancelOperation,
  getOperation,
  importResource,
  listOperations,
  retryOperation,
  sagaDefinitions,
  skipStep,
  startOperation,
  verifyAccount,
} from '@understudy/control'
import type { NewOperation, Operation } from '@understudy/control'
import type { SagaEvent } from '@understudy/saga'
import { describe, expect, test } from 'vitest'
import { kindOf, refusalOf, useRooms } from './rooms.ts'

const rooms = useRooms()

const start = async (overrides: Partial<NewOperation> = {}): Promise<{ operation: Operation; joined: boolean }> => {
  const { control, us } = rooms()
  return control.database.transaction((stores) =>
    startOperation(control, stores, {
      kind: 'account.verify',
      projectId: us.projectId,
      params: { accountId: 'acc_1' },
      priority: 20,
      requestedBy: 'test',
      reason: 'a test',
      ...overrides,
    }),
  )
}

/** Writes a log as a runner would, and gives the operation the status that follows. */
async function runTo(operation: Operation, entries: readonly Pick<SagaEvent, 'type' | 'step'>[], status?: 'stuck' | 'succeeded'): Promise<void> {
  const { control, clock } = rooms()
  const { sagas } = control.database
  const [claimed] = await sagas.claim({
    runner: 'r',
    limit: 1,
    leaseMs: 60_000,
    nowMs: clock.nowMs(),
    sagas: [operation.kind],
    operationId: operation.id,
  })
  if (claimed === undefined) throw new Error('the operation could not be claimed')
  const failure = { code: 'conflict', message: 'no', transient: false }
  const events = entries.map(({ type, step }, index) => ({
    sequence: index + 1,
    type,
    step,
    attempt: 1,
    data: type === 'failed' || type === 'undo_failed' ? failure : null,
    atMs: clock.nowMs(),
  }))
  await sagas.append(claimed, events)
  if (status !== undefined) await sagas.finish(claimed, { status, atMs: clock.nowMs(), ...(status === 'stuck' ? { error: failure } : {}) })
}

describe('starting an operation', () => {
  test('writes it with its event and its bell in the transaction of the caller, or not at all', async () => {
    const { control, us, clock } = rooms()
    const deadline = new Date(clock.nowMs() + 120_000)
    const { operation, joined } = await start({ deadline, resourceId: 'res_1', plan: { a: 1 }, planHash: 'h' })
    expect(joined).toBe(false)
    expect(await control.database.stores.operations.findById(operation.id)).toEqual(operation)
    const [event] = (await control.database.stores.events.listAfter(0, { limit: 1000 })).filter(
      ({ subject }) => subject === `operations/${operation.id}`,
    )
    expect(event).toMatchObject({
      type: 'io.understudy.operations.started.v1',
      projectId: us.projectId,
      expiresAt: deadline,
      data: { kind: 'account.verify', reason: 'a test', resourceId: 'res_1' },
    })
    const bells = await control.database.stores.outbox.claim({ limit: 1000, at: new Date(clock.nowMs()), leaseMs: 0 })
    expect(bells.filter(({ key }) => key === operation.id)).toMatchObject([
      { topic: 'operations.wake', payload: { operationId: operation.id }, priority: 20 },
    ])

    let written: string | undefined
    const failing = control.database.transaction(async (stores) => {
      written = (
        await startOperation(control, stores, {
          kind: 'account.verify',
          projectId: us.projectId,
          params: {},
          priority: 1,
          requestedBy: 't',
          reason: 'r',
        })
      ).operation.id
      throw new Error('the change failed')
    })
    await expect(failing).rejects.toThrow('the change failed')
    expect(await control.database.stores.operations.findById(written!)).toBeUndefined()
    const events = await control.database.stores.events.listAfter(0, { limit: 1000 })
    expect(events.filter(({ subject }) => subject === `operations/${written}`)).toEqual([])
  })

  test('under a lock that is held joins the holder, of many at once too, and is free again when it has ended', async () => {
    const many = await Promise.all(Array.from({ length: 10 }, () => start({ lockKey: 'lock' })))
    expect(new Set(many.map(({ operation }) => operation.id)).size).toBe(1)
    expect(many.filter(({ joined }) => !joined)).toHaveLength(1)
    await runTo(many[0]!.operation, [], 'succeeded')
    expect((await start({ lockKey: 'lock' })).joined).toBe(false)
  })
})

describe('operations', () => {
  test('are listed newest first, and found by what they are about', async () => {
    const { control, us, clock } = rooms()
    const ids: string[] = []
    for (let index = 0; index < 3; index++) {
      clock.advance(1000)
      ids.unshift((await start({ resourceId: 'res_listed' })).operation.id)
    }
    const list = async (more: object) => (await listOperations(control, us.viewer, more)).items.map(({ id }) => id)
    expect(await list({ resourceId: 'res_listed' })).toEqual(ids)
    expect((await list({})).slice(0, 3)).toEqual(ids)
    const first = await listOperations(control, us.viewer, { resourceId: 'res_listed', pageSize: 2 })
    const second = await listOperations(control, us.viewer, { resourceId: 'res_listed', pageSize: 2, after: first.nextAfter })
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids)
    expect(second).not.toHaveProperty('nextAfter')
    expect(await list({ resourceId: 'res_listed', status: 'succeeded' })).toEqual([])
    expect(await list({ kind: 'failover' })).toEqual([])
  })

  test('are nothing to another project', async () => {
    const { control, them } = rooms()
    const { operation } = await start()
    expect(await kindOf(getOperation(control, them.admin, { id: operation.id }))).toBe('not_found')
    expect(await kindOf(cancelOperation(control, them.admin, { id: operation.id }))).toBe('not_found')
    expect(await kindOf(retryOperation(control, them.admin, { id: operation.id }))).toBe('not_found')
    expect(await kindOf(skipStep(control, them.admin, { id: operation.id, step: 'identity' }))).toBe('not_found')
    expect((await listOperations(control, them.admin, {})).items.map(({ id }) => id)).not.toContain(operation.id)
  })

  test('are cancelled and retried by operators, and skipped by admins', async () => {
    const { control, us } = rooms()
    const { operation } = await start()
    expect(await kindOf(cancelOperation(control, us.viewer, { id: operation.id }))).toBe('forbidden')
    expect(await kindOf(retryOperation(control, us.viewer, { id: operation.id }))).toBe('forbidden')
    expect(await kindOf(skipStep(control, us.operator, { id: operation.id, step: 'x' }))).toBe('forbidden')
  })

  test('show what has happened in them', async () => {
    const { control, us, newAccount, finish } = rooms()
    const ended = await finish(await verifyAccount(control, us.operator, { id: (await newAccount(us)).id }))
    const { operation, timeline } = await getOperation(control, us.viewer, { id: ended.id })
    expect(operation.status).toBe('succeeded')
    expect(timeline.events.map(({ type, step }) => `${type} ${step}`)).toEqual(
      ['identity', 'record', 'verdict'].flatMap((step) => [`started ${step}`, `succeeded ${step}`]),
    )
  })
})

describe('cancelling', () => {
  test('before anything has happened ends the operation as cancelled', async () => {
    const { control, us, newAccount, finish } = rooms()
    const started = await verifyAccount(control, us.operator, { id: (await newAccount(us)).id })
    const asked = await cancelOperation(control, us.operator, { id: started.id })
    expect(asked.cancelRequestedAt).toBeInstanceOf(Date)
    expect((await cancelOperation(control, us.operator, { id: started.id })).cancelRequestedAt).toEqual(asked.cancelRequestedAt)
    expect((await finish(started)).status).toBe('cancelled')
    expect(await refusalOf(cancelOperation(control, us.operator, { id: started.id }))).toMatchObject({
      kind: 'conflict',
      message: 'The operation has ended already: cancelled.',
    })
    const trail = await control.database.stores.audit.list(us.projectId, { after: 0, limit: 1000, operationId: started.id })
    expect(trail.filter(({ action }) => action === 'operations.cancel_requested')).toHaveLength(1)
  })

  test('in the middle undoes what was done', async () => {
    const { control, us, dc, hooks, newAccount, newService, finish } = rooms()
    const account = await newAccount(us)
    const { nativeId } = newService('cancelled')
    const started = await importResource(control, us.operator, { accountId: account.id, nativeId })
    // The cancellation comes while the instance is being tagged, the last thing an import does.
    hooks.beforeTag = () => cancelOperation(control, us.operator, { id: started.id })
    expect((await finish(started)).status).toBe('cancelled')
    expect(await control.database.stores.resources.findByNativeIds(account.id, [nativeId])).toEqual([])
    expect(Object.keys(dc.instances.get(nativeId)?.tags ?? {}).filter((key) => key.startsWith('understudy:'))).toEqual([])
  })

  test('behind the point of no return is too late', async () => {
    const { control, us } = rooms()
    const failover = sagaDefinitions.find(({ name }) => name === 'failover')!
    const before = failover.steps.filter(({ afterCommit }) => !afterCommit)
    const behind = failover.steps.find(({ afterCommit }) => afterCommit)!
    const { operation } = await start({ kind: 'failover' })
    const done = before.flatMap(({ name }) => [{ type: 'started', step: name } as const, { type: 'succeeded', step: name } as const])
    await runTo(operation, [...done, { type: 'started', step: behind.name }])
    expect(await kindOf(cancelOperation(control, us.operator, { id: operation.id }))).toBe('too_late')
    expect((await getOperation(control, us.viewer, { id: operation.id })).operation.cancelRequestedAt).toBeUndefined()
  })
})

describe('a stuck operation', () => {
  const stuckImport = async (): Promise<Operation> => {
    const { operation } = await start({ kind: 'resource.import' })
    await runTo(
      operation,
      [
        { type: 'started', step: 'found' },
        { type: 'succeeded', step: 'found' },
        { type: 'started', step: 'stored' },
        { type: 'failed', step: 'stored' },
        { type: 'undo_started', step: 'stored' },
        { type: 'undo_failed', step: 'stored' },
      ],
      'stuck',
    )
    return operation
  }

  test('is retried once, with a bell', async () => {
    const { control, us, clock } = rooms()
    const { id } = await stuckImport()
    const { outbox } = control.database.stores
    await outbox.remove((await outbox.claim({ limit: 1000, at: new Date(clock.nowMs()), leaseMs: 0 })).map((message) => message.id))
    expect(['pending', 'running', 'undoing']).toContain((await retryOperation(control, us.operator, { id })).status)
    expect((await outbox.claim({ limit: 1000, at: new Date(clock.nowMs()), leaseMs: 0 })).map(({ key }) => key)).toContain(id)
    expect(await kindOf(retryOperation(control, us.operator, { id }))).toBe('conflict')
  })

  test('goes on behind a step that a person has done, if it is the one that failed', async () => {
    const { control, us } = rooms()
    const { id } = await stuckImport()
    const refused = await refusalOf(skipStep(control, us.admin, { id, step: 'found' }))
    expect(refused).toMatchObject({ kind: 'conflict', message: 'The operation is stuck in the step stored, not in found.' })
    expect((await skipStep(control, us.admin, { id, step: 'stored' })).status).not.toBe('stuck')
    const trail = await control.database.stores.audit.list(us.projectId, { after: 0, limit: 1000, operationId: id })
    expect(trail.at(-1)).toMatchObject({
      action: 'operations.step_skipped',
      actor: `key:${us.admin.keyId}`,
      details: { step: 'stored', action: 'undo' },
    })
    expect(await kindOf(skipStep(control, us.admin, { id, step: 'stored' }))).toBe('conflict')
  })

  test('is the only one that is retried or skipped', async () => {
    const { control, us } = rooms()
    const { operation } = await start()
    expect(await kindOf(retryOperation(control, us.operator, { id: operation.id }))).toBe('conflict')
    expect(await kindOf(skipStep(control, us.admin, { id: operation.id, step: 'identity' }))).toBe('conflict')
  })
})
