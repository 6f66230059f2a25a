import { AppError, seededRandom } from '@understudy/core'
import { createRunner, runnable } from '@understudy/saga'
import { drive } from '@understudy/saga/testing'
import { expect, it } from 'vitest'
import type { Database } from '../database.ts'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { openRegion } from '../testing/region.ts'
import { importResourceSaga } from './import-resource.saga.ts'

const bench = useLawBench()

/** A busy database: whoever asked first is told that there was no answer, and what was asked is committed only after the next one has looked. */
function committingLate(database: Database): Database {
  let late: (() => Promise<unknown>) | undefined
  let isFirst = true
  return {
    ...database,
    async transaction(work) {
      if (isFirst) {
        isFirst = false
        late = () => database.transaction(work)
        throw new AppError('unavailable', 'The database does not answer.')
      }
      const before = late
      late = undefined
      await before?.()
      return database.transaction(work)
    },
  }
}

it('what an attempt has stored after it was given up is what the next one would store', async () => {
  const region = await openRegion(bench)
  const nativeId = region.newInstance('one')
  const { store, submit, read } = await bench.makeStore()
  const { id: accountId, projectId } = region.account
  const { name: saga, version } = importResourceSaga
  const id = await submit({ saga, version, params: { accountId, projectId, nativeId }, createdMs: region.clock.nowMs() })
  const sagas = [runnable(importResourceSaga, () => ({ ...region.deps, database: committingLate(bench.database) }))]
  const options = { store, sagas, clock: region.clock, random: seededRandom(1), runnerId: 'late', classify: failureOf, leaseMs: 30_000 }
  await drive(region.clock, createRunner(options).runOne(id), { settle: () => bench.inFlight.settle() })
  expect(await read(id)).toMatchObject({ status: 'succeeded' })
  expect(await bench.database.stores.resources.findByNativeIds(accountId, [nativeId])).toHaveLength(1)
  region.dc.close()
})
