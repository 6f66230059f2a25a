import type { ResourceDna } from '@understudy/provider'
import { describe, expect, test } from 'vitest'
import { aResource, nowMs, traits } from '../testing/builders.ts'
import { manifestHash } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { newRecoveryPoint } from './new-recovery-point.ts'
import { planRollback } from './rollback-plan.ts'
import type { RestorableField, RollbackAnswer } from './rollback-plan.ts'

const resource = aResource()
const then: ResourceDna = { ...resource.dna, state: 'running', purchase: 'on-demand', tags: { team: 'blue', gone: 'yes' } }
const manifest: Manifest = {
  ...{ format: 1, point: 'rp_1', resource: resource.id, instance: resource.nativeId, sequence: 1, parent: null, database: null, order: [] },
  definition: { hash: 'd', dna: JSON.parse(JSON.stringify(then)) as Manifest['definition']['dna'] },
  disks: { set: 's', takenAt: new Date(nowMs).toISOString(), consistency: 'crash', members: [] },
  memory: { kept: false, reason: 'no' },
}
const point = {
  ...newRecoveryPoint({ id: 'rp_1', resource, reason: 'r', requestedBy: 'me', operationId: 'op_1', at: new Date(nowMs) }),
  ...{ status: 'usable' as const, sequence: 1, manifest, manifestHash: manifestHash(manifest), capturedAt: new Date(nowMs) },
}
const now: ResourceDna = {
  ...then,
  tags: { team: 'red', new: 'tag' },
  protection: { ...then.protection, terminate: !then.protection.terminate },
  size: { ...then.size, type: 'm7i.4xlarge' },
}
const ask = (fields: readonly RestorableField[], present: ResourceDna = now, overrides: Partial<typeof traits> = {}): RollbackAnswer =>
  planRollback({ resource: { ...resource, dna: now }, point, present, traits: { ...traits, ...overrides }, fields })

test('sets back what was chosen, and touches no disk', () => {
  const answer = ask(['tags', 'protection'])
  expect(answer).toMatchObject({
    ok: true,
    plan: {
      selection: { what: 'fields', fields: ['tags', 'protection'] },
      devices: [],
      fields: [
        { field: 'tags', from: { team: 'red', gone: null, new: 'tag' }, to: { team: 'blue', gone: 'yes', new: null } },
        { field: 'protection', from: { terminate: now.protection.terminate }, to: { terminate: then.protection.terminate } },
      ],
      downtimeSeconds: 0,
    },
  })
  expect(answer.ok && answer.plan.steps.map(({ name }) => name)).toEqual(['gate', 'safety', 'applied', 'verified', 'recorded'])
})

test('stops it for a size, where the cloud wants that', () => {
  const answer = ask(['size'])
  expect(answer.ok && answer.plan.steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['gate', 'safety', 'stopped', 'applied', 'started', 'verified', 'recorded']),
  )
  expect(answer.ok && answer.plan.downtimeSeconds).toBeGreaterThan(0)
  const hot = ask(['size'], now, { resize: { supported: true, requires: 'none', spot: true } })
  expect(hot.ok && hot.plan.steps.map(({ name }) => name)).not.toContain('stopped')
  expect(ask(['size'], now, { resize: { supported: false, reason: 'It cannot.' } })).toEqual({ ok: false, reason: 'It cannot.' })
})

describe('the hash of what is approved changes', () => {
  const hash = (answer: RollbackAnswer): string => (answer.ok ? answer.planHash : answer.reason)
  const before = hash(ask(['tags']))
  test.each<[string, string]>([
    ['when another field is chosen', hash(ask(['protection']))],
    ['when a tag has been set since', hash(ask(['tags'], { ...now, tags: { ...now.tags, more: '1' } }))],
    ['when disks are chosen instead', hash(planRollback({ resource, point, present: now, traits }))],
  ])('%s', (_what, after) => {
    expect(after).not.toBe(before)
  })
})

test('says that what somebody has set since it was last recorded is lost', () => {
  const books = planRollback({ resource, point, present: now, traits, fields: ['tags'] })
  expect(books.ok && books.plan.risks).toContainEqual(expect.stringContaining('tags has been changed since'))
  const known = ask(['tags'])
  expect(known.ok && known.plan.risks.join(' ')).not.toContain('has been changed since')
})

test('leaves tags alone that look like secrets, and refuses when nothing differs', () => {
  const secret = { redacted: '{"redacted":true,"sha256":"' + '0'.repeat(64) + '"}' }
  const answer = ask(['tags'], { ...now, tags: { ...then.tags, ...secret, team: 'red' } })
  expect(answer).toMatchObject({
    plan: { fields: [{ to: { team: 'blue' } }], risks: expect.arrayContaining([expect.stringContaining('redacted')]) as string[] },
  })
  expect(ask(['tags'], { ...now, tags: then.tags })).toMatchObject({ ok: false, reason: expect.stringContaining('nothing to set back') as string })
})
