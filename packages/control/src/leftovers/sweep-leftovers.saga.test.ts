import { ownTags } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { expect } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { openRegion } from '../testing/region.ts'
import { sweepLeftoversSaga } from './sweep-leftovers.saga.ts'

const bench = useLawBench()

sagaLaws(sweepLeftoversSaga, {
  makeStore: bench.makeStore,
  classify: failureOf,
  async makeWorld() {
    const region = await openRegion(bench)
    const { network } = region.dc
    const tags = { [ownTags.managed]: 'true', [ownTags.installation]: 'laws', [ownTags.operation]: 'k', [ownTags.resource]: 'res_gone' }
    const left = [network.allocateAddress(tags), network.allocateAddress(tags)]
    const inUse = network.allocateAddress({ ...tags, [ownTags.operation]: 'l' })
    network.associateAddress({ allocationId: inUse.allocationId, instanceId: region.newInstance('shop') })
    const kept = [inUse, network.allocateAddress({ ...tags, [ownTags.installation]: 'other' }), network.allocateAddress({ team: 'shop' })]
    const ids = (addresses: readonly { readonly allocationId: string }[]) => addresses.map(({ allocationId }) => allocationId).toSorted()
    const present = () => ids(network.describeAddresses().items)
    const rows = (target: string) => bench.database.stores.audit.list(bench.projectId, { after: 0, limit: 1000, target })
    return region.world({
      params: { accountId: region.account.id },
      async expectDone() {
        expect(present()).toEqual(ids(kept))
        for (const { allocationId } of left) expect((await rows(allocationId)).map(({ action }) => action)).toContain('leftovers.remove')
        const told = (await rows(region.account.id)).filter(({ action }) => action === 'accounts.leftovers_removed')
        expect(told).toMatchObject([{ details: { addresses: left.length, commands: 0 } }])
      },
      // What nobody had stays removed; nothing else is gone.
      async expectCleanSlate() {
        expect(ids(kept).filter((id) => !present().includes(id))).toEqual([])
      },
    })
  },
})
