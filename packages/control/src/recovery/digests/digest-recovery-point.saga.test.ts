import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { keptPoint } from '../../testing/kept-point.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import { digestRecoveryPointSaga } from './digest-recovery-point.saga.ts'
import { recordDigests } from './digest-steps.ts'
import type { DigestStep } from './digest-steps.ts'
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

it('what was read as a whole does not say what the cloud keeps for it alone, while a point before it is there', async () => {
  const stage = await setStage(bench, hotTier)
  const { recoveryPoints } = stage.deps.database.stores
  const read = async (sequence: number, status: 'usable' | 'purged') => {
    const point = await keptPoint(stage, { sequence })
    const step: DigestStep = {
      ...{ operationId: 'op_read', step: 'recorded', attempt: 1, outputs: {}, signal: new AbortController().signal, deadlineMs: undefined },
      ...{ dueMs: stage.clock.nowMs() + 60_000, key: () => 'd'.repeat(32), params: { pointId: point.id, mode: 'whole' } },
      ...{ note: () => Promise.resolve(), audit: () => Promise.resolve() },
    }
    const disk = {
      device: 'a',
      snapshot: 's',
      sizeBytes: 100,
      blockBytes: 10,
      since: null,
      line: sequence,
      blocks: 4,
      read: 4,
      keptBytes: 40,
      root: '',
    }
    await recordDigests(stage.deps, step, [disk])
    const { space, version, ...rest } = (await recoveryPoints.findById(point.id))!
    if (status === 'purged') await recoveryPoints.update({ ...rest, version, status }, version)
    return space
  }
  expect(await read(1, 'purged')).toMatchObject({ usedBytes: 40, fullBytes: 40 })
  expect(await read(2, 'usable')).toMatchObject({ usedBytes: 40, fullBytes: 40 })
  expect(await read(3, 'usable')).toMatchObject({ usedBytes: undefined, fullBytes: 40 })
  stage.dc.close()
})
