import { randomIds } from '@understudy/core'
import fc from 'fast-check'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../../operations/failure.ts'
import { keptPoint } from '../../testing/kept-point.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { blockBytes, ModelDisk } from '../../testing/model-disk.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import { manifestHash } from '../manifest.ts'
import type { Manifest } from '../manifest.ts'
import type { RecoveryPoint } from '../recovery-point.ts'
import { checkBytes } from './check-bytes.ts'
import { chunkBlocks } from './chunk.ts'
import { compactDigests } from './compact-digests.ts'
import { compactDigestsSaga } from './compact-digests.saga.ts'
import { documentHash } from './digests.ts'
import type { DiskDigest } from './digests.ts'
import { takeDigests } from './take-digests.ts'

const bench = useLawBench()
const device = '/dev/sda'
const { signal } = new AbortController()
const clock = { nowMs: () => 0, schedule: () => () => undefined }
const scope = { provider: 'model', account: 'a', region: 'r' }

/** The sagas' steps without clouds: keeps a point, reads it, purges it, compacts. */
class Installation {
  readonly resourceId = randomIds.next('resource')
  readonly disk = new ModelDisk()
  readonly points: { readonly point: RecoveryPoint; readonly content: ReadonlyMap<number, number> }[] = []
  #sequence = 0

  async capture(): Promise<void> {
    const { recoveryPoints, recoveryDigests } = bench.database.stores
    const id = randomIds.next('recoveryPoint')
    const sequence = (this.#sequence += 1)
    const at = new Date(0)
    const manifest = { format: 1, point: id } as unknown as Manifest // its content is of no concern here
    await recoveryPoints.insert({
      ...{ id, projectId: bench.projectId, resourceId: this.resourceId, accountId: 'acc', status: 'usable', reason: 'a test', requestedBy: 'test' },
      ...{ database: undefined, sequence, manifest, manifestHash: manifestHash(manifest), capturedAt: at, lockedUntil: undefined },
      ...{ deleteTime: undefined, purgeTime: undefined, verification: undefined, operationId: undefined, lastError: undefined },
      ...{ createdAt: at, updatedAt: at, version: 1 },
    })
    this.disk.snapshot(id)
    const newest = await recoveryDigests.newestRead(this.resourceId, sequence)
    const before = newest === undefined ? undefined : await recoveryPoints.findById(newest)
    // As the saga has it: on a point whose snapshot has gone nothing is built.
    const line = before?.status === 'usable' ? before.digests?.document?.disks[0] : undefined
    const snapshot = { ...scope, nativeId: id }
    const what = { pointId: id, resourceId: this.resourceId, sequence, device, snapshot, blockBytes }
    const since =
      line === undefined || before === undefined
        ? undefined
        : { pointId: before.id, line: line.line, snapshot: { ...scope, nativeId: line.snapshot } }
    const digest = await takeDigests(recoveryDigests, this.disk.blocks, { ...what, since }, signal)
    await this.#record(id, digest)
    this.points.push({ point: (await recoveryPoints.findById(id))!, content: this.disk.snapshots.get(id)!.content })
  }
  async #record(id: string, digest: DiskDigest): Promise<void> {
    const { recoveryPoints } = bench.database.stores
    const point = (await recoveryPoints.findById(id))!
    const document = { format: 1, point: id, manifest: '', disks: [digest] } as const
    await recoveryPoints.update({ ...point, digests: { state: 'complete', at: point.createdAt.toISOString(), document } }, point.version)
    await recoveryPoints.setSpace(id, { basis: 'digests', usedBytes: digest.keptBytes, fullBytes: digest.blocks * blockBytes }, point.createdAt)
  }
  async purge(which: number): Promise<void> {
    const [gone] = this.points.splice(which % Math.max(1, this.points.length), 1)
    if (gone === undefined) return
    const { recoveryPoints } = bench.database.stores
    const point = (await recoveryPoints.findById(gone.point.id))!
    await recoveryPoints.update({ ...point, status: 'purged' }, point.version)
  }
  compact = () => compactDigests({ database: bench.database, clock }, { resourceId: this.resourceId, signal })

  /** Every point that stands has the digests that it was read with, and the disk has the bytes that they are of. */
  async expectWhole(): Promise<void> {
    const deps = { database: bench.database, clock }
    for (const { point, content } of this.points) {
      const asked = { point, blocks: this.disk.blocks, scope, share: 1, seed: 'a test', signal }
      expect(await checkBytes(deps, asked)).toEqual({ findings: [], read: content.size, of: content.size })
    }
  }
}

/** Few blocks, so that most of what is written was written before. */
const write = fc.record({ index: fc.constantFrom(0, 1, 3, 4), value: fc.option(fc.integer({ min: 1, max: 9 }), { freq: 4 }) })
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('capture' as const), writes: fc.array(write, { maxLength: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('purge' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('replace' as const) }) },
)
/** Nine blocks, three in each of three chunks. */
const blockAt = (index: number): number => Math.floor(index / 3) * chunkBlocks + (index % 3)

test('for any captures and purges, the digests of every point that stands stay what they were', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 40, size: 'max' }), async (steps) => {
      const installation = new Installation()
      const { disk } = installation
      for (const done of steps) {
        if (done.what === 'capture') {
          for (const { index, value } of done.writes) disk.write(blockAt(index), value ?? undefined)
          await installation.capture()
        }
        if (done.what === 'purge') await installation.purge(done.which)
        if (done.what === 'replace') disk.replace()
        if (done.what === 'compact') {
          await installation.compact()
          await installation.expectWhole()
        }
      }
      await installation.compact()
      await installation.expectWhole()
      // Nothing is left of what was purged, and there is nothing to do.
      expect(await bench.database.stores.recoveryDigests.purged(installation.resourceId)).toEqual([])
      expect(await installation.compact()).toEqual({ points: 0, chunks: 0 })
      // What is captured afterwards is whole too.
      await installation.capture()
      await installation.expectWhole()
    }),
    { numRuns: 40 },
  )
})

test('what a cloud keeps for a point grows by what it shared with the one that has gone, and no further', async () => {
  const installation = new Installation()
  const { disk } = installation
  const used = async (): Promise<(number | undefined)[]> =>
    Promise.all(installation.points.map(async ({ point }) => (await bench.database.stores.recoveryPoints.findById(point.id))?.space?.usedBytes))
  for (let index = 0; index < 9; index++) disk.write(blockAt(index), 1)
  await installation.capture()
  disk.write(blockAt(0), 2)
  disk.write(blockAt(1), 2)
  await installation.capture()
  disk.write(blockAt(1), 3)
  disk.write(blockAt(2), undefined)
  await installation.capture()
  expect(await used()).toEqual([9 * blockBytes, 2 * blockBytes, blockBytes])
  await installation.purge(1)
  await installation.compact()
  expect(await used()).toEqual([9 * blockBytes, 2 * blockBytes])
  await installation.purge(0)
  await installation.compact()
  // All that it has: nobody else keeps it.
  expect(await used()).toEqual([8 * blockBytes])
  await installation.expectWhole()
})

test('of neighbours that have gone at once the later one is handed over as the later one', async () => {
  const installation = new Installation()
  const { disk } = installation
  for (const value of [1, 2, 3]) {
    disk.write(blockAt(0), value)
    await installation.capture()
  }
  disk.write(blockAt(8), 1)
  await installation.capture()
  await installation.purge(1)
  await installation.purge(1)
  await installation.compact()
  expect(installation.points.map(({ point }) => point.sequence)).toEqual([1, 4])
  await installation.expectWhole()
})

test('an entry that was edited is found after it was handed over', async () => {
  const installation = new Installation()
  const { disk } = installation
  disk.write(blockAt(0), 1)
  disk.write(blockAt(1), 1)
  await installation.capture()
  disk.write(blockAt(1), 2)
  await installation.capture()
  const { recoveryDigests } = bench.database.stores
  const first = (await recoveryDigests.first(installation.points[0]!.point.id))!
  await recoveryDigests.put({ ...first, entries: Buffer.from(first.entries).fill(7, 5, 6) })
  await installation.purge(0)
  await installation.compact()
  const [{ point }] = installation.points as [(typeof installation.points)[number]]
  const asked = { point, blocks: disk.blocks, scope, share: 1, seed: 'a test', signal }
  const { findings } = await checkBytes({ database: bench.database, clock }, asked)
  expect(findings.map(({ kind }) => kind)).toEqual(['digests_changed'])
})

describe('compacting the digests of a resource', () => {
  sagaLaws(compactDigestsSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const { recoveryPoints, recoveryDigests } = stage.deps.database.stores
      const volumes = stage.dc.instances.get(stage.primary.nativeId)!.blockDevices
      const write = (value: number): void => {
        for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, value * 1024 ** 3, new Uint8Array(10).fill(value))
      }
      const readPoint = async (sequence: number, since: string | undefined): Promise<RecoveryPoint> => {
        const kept = await keptPoint(stage, { sequence })
        const disks: DiskDigest[] = []
        for (const member of kept.manifest!.disks.members) {
          const before = since === undefined ? undefined : (await recoveryPoints.findById(since))!.digests!.document!.disks[disks.length]!
          const snapshot = { ...stage.provider.scope, nativeId: member.snapshot }
          const what = { pointId: kept.id, resourceId: kept.resourceId, sequence, device: member.device, snapshot, blockBytes: 512 * 1024 }
          const built =
            before === undefined
              ? undefined
              : { pointId: since!, line: before.line, snapshot: { ...stage.provider.scope, nativeId: before.snapshot } }
          disks.push(await stage.drive(takeDigests(recoveryDigests, stage.provider.blocks!, { ...what, since: built }, signal)))
        }
        const document = { format: 1, point: kept.id, manifest: kept.manifestHash!, disks } as const
        const digests = { state: 'complete', at: '2026-01-01T00:00:00.000Z', document, hash: documentHash(document) } as const
        await recoveryPoints.update({ ...kept, digests }, kept.version)
        return (await recoveryPoints.findById(kept.id))!
      }
      write(1)
      const first = await readPoint(1, undefined)
      write(3)
      const second = await readPoint(2, first.id)
      await recoveryPoints.update({ ...first, status: 'purged' }, first.version)
      const expectWhole = async (): Promise<void> => {
        const asked = { point: second, blocks: stage.provider.blocks!, scope: stage.provider.scope, share: 1, seed: 'laws', signal }
        const { findings, read, of } = await stage.drive(checkBytes({ database: bench.database, clock: stage.clock }, asked))
        expect({ findings, read }).toEqual({ findings: [], read: of })
        expect(of).toBeGreaterThan(0)
      }
      return stage.world({
        params: { resourceId: stage.resource.id },
        async expectDone() {
          expect(await recoveryDigests.first(first.id)).toBeUndefined()
          await expectWhole()
        },
        expectCleanSlate: expectWhole,
      })
    },
  })
})
