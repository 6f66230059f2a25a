import { createPublicKey, verify } from 'node:crypto'
import { canonicalJson, ownTags, randomIds } from '@understudy/core'
import type { CloneSpec } from '@understudy/provider'
import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import { awaitOperation } from '../cloud/await-operation.ts'
import { failureOf } from '../operations/failure.ts'
import { insertPoint, keptPoint } from '../testing/kept-point.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import { drillKeys } from './restore-drill.ts'
import type { RestoreDrill } from './restore-drill.ts'
import { sweepDrillSaga } from './sweep-drill.saga.ts'
import { testRollbackSaga } from './test-rollback.saga.ts'

const bench = useLawBench()

async function insertDrill({ deps, resource, clock }: Stage, pointId: string): Promise<RestoreDrill> {
  const at = new Date(clock.nowMs())
  const drill: RestoreDrill = {
    ...{ id: randomIds.next('drill'), projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId, pointId },
    ...{ status: 'running', reason: 'the laws', requestedBy: 'system:laws', operationId: 'op_laws', expiresAt: new Date(at.getTime() + 3_600_000) },
    ...{ cleanedAt: undefined, record: undefined, signature: undefined, createdAt: at, updatedAt: at, version: 1 },
  }
  await deps.database.stores.restoreDrills.insert(drill)
  return drill
}

const drillNow = async ({ deps }: Stage, { id }: RestoreDrill): Promise<RestoreDrill> => (await deps.database.stores.restoreDrills.findById(id))!

/** Everything in the cloud that a drill has made and that is still there. */
const leftOf = ({ dc }: Stage, drill: RestoreDrill) => ({
  instances: [...dc.instances.all()].filter(({ tags, state }) => tags[ownTags.drill] === drill.id && state !== 'terminated').length,
  disks: dc.storage.describeVolumes().items.filter(({ tags }) => tags[ownTags.drill] === drill.id).length,
  groups: dc.network.describeSecurityGroups().items.filter(({ tags }) => tags[ownTags.drill] === drill.id).length,
})
const nothing = { instances: 0, disks: 0, groups: 0 }

describe('rehearsing a rollback', () => {
  sagaLaws(testRollbackSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const drill = await insertDrill(stage, (await keptPoint(stage)).id)
      const before = await stage.look()
      const untouched = async (): Promise<void> => {
        expect(leftOf(stage, drill)).toEqual(nothing)
        expect(await stage.look()).toEqual(before)
      }
      return stage.world({
        params: { drillId: drill.id, verification: { probes: [{ kind: 'tcp', port: 8080 }], withinSeconds: 300 } },
        async expectDone() {
          const { status, record, signature, cleanedAt } = await drillNow(stage, drill)
          expect({ status, cleaned: cleanedAt !== undefined }).toEqual({ status: 'passed', cleaned: true })
          expect(record).toMatchObject({
            outcome: 'passed',
            drill: drill.id,
            point: { id: drill.pointId },
            checks: [{ check: 'boot' }, { check: 'cloud' }, {}],
          })
          const key = (await stage.deps.database.stores.signingKeys.list()).find(({ id }) => id === signature!.keyId)!
          const signed = Buffer.from(canonicalJson(record))
          expect(verify(null, signed, createPublicKey(key.publicKey), Buffer.from(signature!.value, 'base64'))).toBe(true)
          const forged = Buffer.from(canonicalJson({ ...record, recoverySeconds: 1 }))
          expect(verify(null, forged, createPublicKey(key.publicKey), Buffer.from(signature!.value, 'base64'))).toBe(false)
          await untouched()
        },
        async expectCleanSlate() {
          expect(await drillNow(stage, drill)).toMatchObject({ record: undefined })
          await untouched()
        },
      })
    },
  })
})

describe('sweeping what a rehearsal has left', () => {
  sagaLaws(sweepDrillSaga, {
    makeStore: bench.makeStore,
    classify: failureOf,
    async makeWorld() {
      const stage = await setStage(bench, hotTier)
      const drill = await insertDrill(stage, (await insertPoint(stage)).id)
      const { provider, clock } = stage
      const keys = drillKeys(drill)
      const tags = { [ownTags.managed]: 'true', [ownTags.drill]: drill.id, [ownTags.role]: 'drill' }
      const context = (idempotencyKey: string) => ({ idempotencyKey, tags, actor: 'laws', priority: 'background' }) as const
      await stage.drive(
        (async () => {
          const source = (await provider.inventory.describe(stage.primary))!
          const { securityGroups } = await provider.isolation!.ensure(source, { ports: [8080] }, context(keys.isolation))
          const spec: CloneSpec = {
            name: 'left',
            power: 'running',
            instanceType: source.size.type,
            purchase: 'on-demand',
            zone: source.placement.zone!,
            disks: { from: 'image' },
            isolation: { securityGroups },
          }
          await awaitOperation({ clock }, provider, await provider.compute.provision(source, spec, context(keys.clone)), new AbortController().signal)
        })(),
      )
      return stage.world({
        params: { drillId: drill.id },
        async expectDone() {
          expect(leftOf(stage, drill)).toEqual(nothing)
          expect((await drillNow(stage, drill)).cleanedAt).toBeDefined()
        },
        // What has been deleted stays so; it was nobody's.
        expectCleanSlate: () => Promise.resolve(),
      })
    },
  })
})
