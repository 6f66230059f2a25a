import { sagaLaws } from '@understudy/testing/saga-laws'
import { expect } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { openRegion } from '../testing/region.ts'
import { verifyAccountSaga } from './verify-account.saga.ts'

const bench = useLawBench()

sagaLaws(verifyAccountSaga, {
  makeStore: bench.makeStore,
  classify: failureOf,
  async makeWorld() {
    const region = await openRegion(bench)
    const { id } = region.account
    const present = () => bench.database.stores.accounts.findById(id)
    const told = async () =>
      (await bench.database.stores.audit.list(bench.projectId, { after: 0, limit: 1000, target: id })).map(({ action }) => action)
    const verified = { status: 'verified', nativeAccount: region.dc.accountId, version: 2 }
    return region.world({
      params: { accountId: id },
      async expectDone() {
        expect(await present()).toMatchObject(verified)
        expect(await told()).toEqual(['accounts.verified'])
      },
      // What the cloud has answered stays recorded: it is true whatever became of the operation. Nothing else is left.
      async expectCleanSlate() {
        const account = await present()
        if (account?.status !== 'unverified') expect(account).toMatchObject(verified)
        expect(await told()).toEqual(account?.status === 'unverified' ? [] : ['accounts.verified'])
      },
    })
  },
})
