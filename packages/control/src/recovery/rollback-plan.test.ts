import type { ResourceDna } from '@understudy/provider'
import { describe, expect, test } from 'vitest'
import { aResource, nowMs, traits } from '../testing/builders.ts'
import { manifestHash } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { newRecoveryPoint } from './new-recovery-point.ts'
import { planRollback } from './rollback-plan.ts'
import type { RollbackAnswer, RollbackQuestion } from './rollback-plan.ts'

const scope = { provider: 'sim', account: '1', region: 'r' }
const disk = (deviceKey: string, role: 'root' | 'data', nativeId: string): ResourceDna['disks'][number] => ({
  ...{ ref: { ...scope, nativeId }, role, deviceKey, sizeGiB: 8, type: 'gp3', encrypted: false, deleteWithInstance: role === 'root' },
})
const resource = aResource()
const present: ResourceDna = { ...resource.dna, purchase: 'on-demand', disks: [disk('a', 'root', 'vol-a'), disk('b', 'data', 'vol-b')] }

const manifest: Manifest = {
  ...{ format: 1, point: 'rp_1', resource: resource.id, instance: resource.nativeId, sequence: 1, parent: null, database: null, order: [] },
  definition: { hash: 'd', dna: JSON.parse(JSON.stringify(resource.dna)) as Manifest['definition']['dna'] },
  disks: {
    ...{ set: 's', takenAt: new Date(nowMs).toISOString(), consistency: 'crash' },
    members: [
      { device: 'a', role: 'root', snapshot: 'snap-a', sizeGiB: 8 },
      { device: 'b', role: 'data', snapshot: 'snap-b', sizeGiB: 8 },
    ],
  },
  memory: { kept: false, reason: 'no' },
}
const point = {
  ...newRecoveryPoint({ id: 'rp_1', resource, reason: 'r', requestedBy: 'me', operationId: 'op_1', at: new Date(nowMs) }),
  ...{ status: 'usable' as const, sequence: 1, manifest, manifestHash: manifestHash(manifest), capturedAt: new Date(nowMs) },
}
const ask = (change: Partial<RollbackQuestion> = {}): RollbackAnswer => planRollback({ resource, point, present, traits, ...change })
const hashOf = (answer: RollbackAnswer): string => (answer.ok ? answer.planHash : answer.reason)

test('exchanges every disk of the point, and keeps the ones that are there now', () => {
  const answer = ask()
  expect(answer).toMatchObject({
    ok: true,
    plan: {
      devices: [
        { device: 'a', present: 'vol-a' },
        { device: 'b', present: 'vol-b' },
      ],
      untouched: [],
    },
  })
  expect(answer.ok && answer.plan.steps.map(({ name }) => name)).toEqual([
    ...['gate', 'safety', 'made', 'offline', 'stopped', 'exchanged', 'started', 'verified', 'online', 'recorded'],
  ])
})

test('a disk that we have plugged in beside its own is none of its disks, and makes no plan stale', () => {
  const disks = [...present.disks, disk('c', 'data', 'vol-restored')]
  const beside = { present: { ...present, disks }, beside: new Set(['vol-restored']) }
  expect(hashOf(ask(beside))).toBe(hashOf(ask()))
  expect(hashOf(ask({ ...beside, fields: ['tags'] }))).toBe(hashOf(ask({ fields: ['tags'] })))
  expect(hashOf(ask({ present: { ...present, disks } }))).not.toBe(hashOf(ask()))
})

test('can take back single disks', () => {
  expect(ask({ devices: ['b'] })).toMatchObject({ plan: { devices: [{ device: 'b' }], untouched: [{ device: 'a', disk: 'vol-a' }] } })
  expect(ask({ devices: ['c'] })).toMatchObject({ ok: false, reason: expect.stringContaining('has no c') as string })
})

describe('the hash of what is approved changes', () => {
  const before = hashOf(ask())
  test.each<[string, Partial<RollbackQuestion>]>([
    ['when a disk has been exchanged', { present: { ...present, disks: [present.disks[0]!, disk('b', 'data', 'vol-other')] } }],
    ['when a disk has been plugged in', { present: { ...present, disks: [...present.disks, disk('c', 'data', 'vol-c')] } }],
    ['when the definition has been changed', { present: { ...present, protection: { terminate: true, stop: false } } }],
    ['when it has been stopped', { present: { ...present, state: 'stopped' } }],
    ['when another instance has become the primary', { resource: { ...resource, primaryEpoch: 4 } }],
    ['when other disks are chosen', { devices: ['a'] }],
  ])('%s', (_what, change) => {
    expect(hashOf(ask(change))).not.toBe(before)
    expect(hashOf(ask(change))).toMatch(/^[0-9a-f]{64}$/)
  })

  test('and not with how long it may take, nor with what our books say', () => {
    const books = { ...resource, dna: { ...resource.dna, tags: { old: 'yes' } } }
    expect(hashOf(ask({ resource: books }))).toBe(before)
    expect(hashOf(ask({ traits: { ...traits, expectedSeconds: { launch: 1, start: 1, resume: 1, shift: 9 } } }))).toBe(before)
  })
})

test('says where the definition differs in the point, in the books and now', () => {
  const changed = { ...present, tags: { team: 'blue' } }
  const answer = ask({ present: changed })
  expect(answer.ok && answer.plan.differences).toContainEqual({ field: 'tags', kept: {}, known: {}, now: { team: 'blue' } })
})

test('refuses what cannot be stopped, and a device that is not there', () => {
  const spot: ResourceDna = { ...present, purchase: 'spot', spot: { onInterruption: 'terminate' } }
  const never = { ...traits, stopOneTimeSpot: { supported: false, reason: 'It cannot.' } as const }
  expect(ask({ present: spot, traits: never })).toMatchObject({ ok: false, reason: expect.stringContaining('on-demand shadow') as string })
  expect(ask({ present: spot }).ok).toBe(true)
  expect(ask({ present: { ...present, disks: [present.disks[0]!] } })).toMatchObject({ ok: false })
})
