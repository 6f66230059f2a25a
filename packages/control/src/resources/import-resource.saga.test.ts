import { sagaLaws } from '@understudy/testing/saga-laws'
import type { LawOptions } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import type { SagaDeps } from '../context.ts'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { openRegion } from '../testing/region.ts'
import type { Region } from '../testing/region.ts'
import { importResourceSaga } from './import-resource.saga.ts'

const bench = useLawBench()

const ownTagsOf = (region: Region, nativeId: string): Record<string, string> =>
  Object.fromEntries(Object.entries(region.dc.instances.get(nativeId)?.tags ?? {}).filter(([key]) => key.startsWith('understudy:')))

const lawsOf = (scene: {
  readonly instances: readonly string[]
  readonly how: (nativeIds: readonly string[]) => { readonly nativeId: string } | { readonly tags: Readonly<Record<string, string>> }
}): LawOptions<SagaDeps> => ({
  makeStore: bench.makeStore,
  classify: failureOf,
  async makeWorld() {
    const region = await openRegion(bench)
    const nativeIds = scene.instances.map((name) => region.newInstance(name, { fleet: 'laws' }))
    const { id: accountId, projectId } = region.account
    const present = () => bench.database.stores.resources.findByNativeIds(accountId, nativeIds)
    return region.world({
      params: { accountId, projectId, ...scene.how(nativeIds) },
      async expectDone(outputs) {
        const resources = await present()
        expect(resources.map(({ name }) => name).toSorted()).toEqual(scene.instances.toSorted())
        for (const { id, nativeId } of resources) {
          const tags = { managed: 'true', role: 'primary', resource: id, installation: 'laws' }
          expect(ownTagsOf(region, nativeId)).toEqual(Object.fromEntries(Object.entries(tags).map(([key, value]) => [`understudy:${key}`, value])))
          const trail = await bench.database.stores.audit.list(projectId, { after: 0, limit: 1000, target: id })
          expect(trail.map(({ action }) => action)).toEqual(['resources.imported'])
        }
        expect(outputs).toMatchObject({ imported: { resourceIds: expect.arrayContaining(resources.map(({ id }) => id)), skipped: [] } })
      },
      async expectCleanSlate() {
        expect(await present()).toEqual([])
        for (const nativeId of nativeIds) expect(ownTagsOf(region, nativeId)).toEqual({})
      },
    })
  },
})

describe('importing one instance', () => {
  sagaLaws(importResourceSaga, lawsOf({ instances: ['one'], how: ([nativeId = '']) => ({ nativeId }) }))
})
describe('importing by tags', () => {
  sagaLaws(importResourceSaga, lawsOf({ instances: ['one', 'two', 'three'], how: () => ({ tags: { fleet: 'laws' } }) }))
})
