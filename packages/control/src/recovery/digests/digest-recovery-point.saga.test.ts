import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { keptPoint } from '../../testing/kept-point.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import { digestRecoveryPointSaga } from './digest-recovery-point.saga.ts'
import { documentHash } from './digests.ts'

const bench = useLawBench()

describe('reading the bytes of a point', () => {
  sagaLaws(digestRecoveryPointSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const { blockDevices } = stage.dc.instances.get(stage.primary.nativeId)!
      for (const { volumeId } of blockDevices) stage.dc.blocks.write(volumeId, 3 * 1024 ** 3, new Uint8Array(10).fill(7))
      const point = await keptPoint(stage)
      const { recoveryPoints, recoveryDigests } = stage.deps.database.stores
      const now = async () => (await recoveryPoints.findById(point.id))!
      return stage.world({
        params: { pointId: point.id, mode: 'incremental' },
        async expectDone() {
          const { digests, manifest, manifestHash } = await now()
          expect({ manifest, manifestHash }).toEqual({ manifest: point.manifest, manifestHash: point.manifestHash })
          expect(digests).toMatchObject({ state: 'complete', document: { manifest: manifestHash } })
          expect(digests!.hash).toBe(documentHash(digests!.document!))
          expect(digests!.document!.disks.map(({ device }) => device)).toEqual(manifest!.disks.members.map(({ device }) => device))
          for (const { device, blocks, read } of digests!.document!.disks) {
            expect({ read, least: blocks > 0 }).toEqual({ read: blocks, least: true })
            expect(await recoveryDigests.lastChunk(point.id, device)).toBe(1)
          }
        },
        async expectCleanSlate() {
          const { digests, status } = await now()
          expect({ status, state: digests?.state ?? 'failed', hash: digests?.hash }).toEqual({ status: 'usable', state: 'failed', hash: undefined })
          for (const { device } of point.manifest!.disks.members) expect(await recoveryDigests.lastChunk(point.id, device)).toBeUndefined()
        },
      })
    },
  })
})
