import { describe, expect, test } from 'vitest'
import type { PowerState } from '@understudy/provider'
import { fingerprintOfPlace } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { abilities, aProof, aResource, aShadow, aTier, nowMs } from '../testing/builders.ts'
import { elsewhereFaults } from './elsewhere.gate.ts'
import { promiseGap } from './promise.gate.ts'
import { dataLagOf } from './shadow.ts'
import type { Shadow } from './shadow.ts'

const place = (overrides: Partial<Elsewhere> = {}, definition: Partial<Elsewhere['definition']> = {}): Elsewhere => ({
  ...{ accountId: 'acc_2', readiness: 'hot', purchase: 'on-demand', zones: 'any' },
  definition: {
    ...{ image: 'img', arch: 'x86_64', vcpus: 2, memoryMiB: 8192, subnet: 'net', securityGroups: [], publicAddress: true },
    ...{ bootData: { from: 'nothing' }, ...definition },
  },
  ...overrides,
})
const named: Partial<Resource> = { traffic: { mechanism: 'dns-weight', native: {} } }
const cloud = abilities({ traffic: { 'lb-weight': { standby: true }, 'dns-weight': { standby: false, unwatched: true, foreign: true } } })

describe('a promise in another account', () => {
  const pointers = (tier: Partial<Tier>, resource: Partial<Resource> = named, portable = true): readonly string[] =>
    elsewhereFaults(aTier(tier), aResource(resource), { cloud, clouds: new Map([['acc_2', abilities({ portable })]]) }).map(({ pointer }) => pointer)

  test.each<[string, Partial<Tier>]>([
    ['one beside those here', { elsewhere: [place()] }],
    ['one alone', { shadows: 0, elsewhere: [place()] }],
    ['one in the account of the primary, for when it has left', { elsewhere: [place(), place({ accountId: 'acc_1' })] }],
    ['a smaller one that is called warm', { elsewhere: [place({ readiness: 'warm' }, { vcpus: 1, memoryMiB: 2048 })] }],
    ['none', {}],
  ])('can be kept: %s', (_what, tier) => expect(pointers(tier)).toEqual([]))

  test.each<[string, Partial<Tier>, readonly string[]]>([
    ['nothing at all', { shadows: 0 }, ['/tier/shadows']],
    ['two in one account', { elsewhere: [place(), place()] }, ['/tier/elsewhere/1/accountId']],
    ['a small one that is called hot', { elsewhere: [place({}, { memoryMiB: 4096 })] }, ['/tier/elsewhere/0/definition']],
    ['a large one that is called warm', { elsewhere: [place({ readiness: 'warm' })] }, ['/tier/elsewhere/0/definition']],
    ['a parked one on spot', { elsewhere: [place({ readiness: 'parked', purchase: 'spot' })] }, ['/tier/elsewhere/0/purchase']],
    ['one that nobody reaches', { elsewhere: [place({}, { publicAddress: false })] }, ['/tier/elsewhere/0/definition/publicAddress']],
    ['zones of one account beside it', { zones: ['a'], elsewhere: [place()] }, ['/tier/zones']],
    ['types of one account beside it', { instanceType: 'm7i.large', elsewhere: [place()] }, ['/tier/instanceType']],
  ])('cannot be kept: %s', (_what, tier, expected) => expect(pointers(tier)).toEqual(expected))

  test('needs a cloud that makes it, and traffic that can be led there', () => {
    expect(pointers({ elsewhere: [place()] }, named, false)).toEqual(['/tier/elsewhere/0/accountId'])
    expect(pointers({ elsewhere: [place()] }, { traffic: { mechanism: 'lb-weight', native: {} } })).toEqual(['/tier/elsewhere'])
    expect(pointers({ elsewhere: [place({}, { publicAddress: false })] }, { traffic: undefined })).toEqual([])
  })
})

describe('the promise is kept in each account by itself', () => {
  const far = place()
  const resource = aResource({ tier: aTier({ elsewhere: [far] }) })
  const farShadow = (overrides: Partial<Shadow> = {}): Shadow =>
    aShadow({
      id: 'shd_2',
      accountId: 'acc_2',
      nativeId: 'i-far',
      purchase: 'on-demand',
      dnaFingerprint: fingerprintOfPlace(far),
      instanceType: 'other',
      ...overrides,
    })
  const gapOf = (shadows: readonly Shadow[], of: Resource = resource) => {
    const states = new Map<string, PowerState>(shadows.map(({ nativeId = '' }) => [nativeId, 'running']))
    return promiseGap({ resource: of, shadows, states, busyShadowIds: new Set(), nowMs })
  }

  test('what is missing there is planned there, and degrades the resource', () => {
    expect(gapOf([aShadow()])).toMatchObject({ missing: 0, missingIn: [far], status: 'degraded' })
    expect(gapOf([farShadow()])).toMatchObject({ missing: 1, missingIn: [], status: 'degraded' })
    expect(gapOf([aShadow(), farShadow()])).toMatchObject({ missing: 0, missingIn: [], retire: [], status: 'protected' })
  })

  test('one that is made otherwise than its definition says now goes when its successor is proven', () => {
    const old = farShadow({ dnaFingerprint: 'of an older image' })
    expect(gapOf([aShadow(), old])).toMatchObject({ missingIn: [far], retire: [] })
    const both = gapOf([aShadow(), old, farShadow({ id: 'shd_3', nativeId: 'i-new' })])
    expect(both).toMatchObject({ missingIn: [], status: 'protected' })
    expect(both.retire.map(({ shadow }) => shadow.id)).toEqual([old.id])
  })

  test('of an account that the tier names no more, and of the one that the primary has left', () => {
    const left = gapOf([aShadow(), farShadow()], aResource())
    expect(left.retire.map(({ shadow }) => shadow.id)).toEqual(['shd_2'])
    // Now the primary is where the shadow was promised: there it is promised like any other, and here no more.
    const there = aResource({ accountId: 'acc_2', zone: 'far-a', tier: aTier({ shadows: 0, elsewhere: [far] }) })
    expect(gapOf([aShadow()], there)).toMatchObject({ missing: 0, missingIn: [], status: 'protected' })
    expect(gapOf([aShadow()], there).retire).toHaveLength(1)
  })
})

test('the lag of the data is what the disks say, and nothing is promised beyond', () => {
  expect(dataLagOf(aShadow())).toEqual({ kind: 'boot-image-only' })
  const proof = aProof(60)
  expect(dataLagOf(aShadow({ snapshotSetId: 'set', proof }))).toEqual({ kind: 'as-of', at: proof.at })
  expect(dataLagOf(aShadow({ dataAsOf: new Date(nowMs) }))).toEqual({ kind: 'as-of', at: new Date(nowMs) })
})
