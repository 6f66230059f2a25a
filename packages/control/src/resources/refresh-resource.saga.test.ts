import { randomIds } from '@understudy/core'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { expect } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { openRegion } from '../testing/region.ts'
import type { Region } from '../testing/region.ts'
import { dnaHashOf, redactDna } from './redact.ts'
import { refreshResourceSaga } from './refresh-resource.saga.ts'
import type { Resource } from './resource.ts'

const bench = useLawBench()

async function storedResource(region: Region): Promise<Resource> {
  const nativeId = region.newInstance('web')
  const described = await region.provider.inventory.describe({ ...region.provider.scope, nativeId })
  if (described === undefined) throw new Error('the instance is not described')
  const dna = redactDna(described)
  const at = new Date(region.clock.nowMs())
  const resource: Resource = {
    ...{ id: randomIds.next('resource'), projectId: bench.projectId, accountId: region.account.id, name: 'web', nativeId, zone: dna.placement.zone },
    ...{ labels: {}, dna, dnaHash: dnaHashOf(dna), dnaAt: at, traffic: undefined, tier: undefined, status: 'unprotected', hold: undefined },
    ...{ primaryEpoch: 1, createdAt: at, updatedAt: at, version: 1 },
  }
  await bench.database.stores.resources.insert(resource)
  return resource
}

sagaLaws(refreshResourceSaga, {
  makeStore: bench.makeStore,
  classify: failureOf,
  async makeWorld() {
    const region = await openRegion(bench)
    const before = await storedResource(region)
    region.dc.tags.create([before.nativeId], { team: 'blue' })
    const present = () => bench.database.stores.resources.findById(before.id)
    const told = async () =>
      (await bench.database.stores.audit.list(bench.projectId, { after: 0, limit: 1000, target: before.id })).map(({ action }) => action)
    const isRefreshed = async (): Promise<boolean> => (await present())?.dna.tags['team'] === 'blue'
    return region.world({
      params: { resourceId: before.id },
      async expectDone(outputs) {
        expect(await isRefreshed()).toBe(true)
        expect(await told()).toEqual(['resources.definition_changed'])
        expect(outputs).toMatchObject({ stored: { dnaHash: (await present())?.dnaHash } })
      },
      // What was read stays true, whatever became of the operation; but it is there with its audit row, or not at all.
      async expectCleanSlate() {
        if (await isRefreshed()) expect(await told()).toEqual(['resources.definition_changed'])
        else {
          expect(await present()).toEqual(before)
          expect(await told()).toEqual([])
        }
      },
    })
  },
})
