import { expect, test } from 'vitest'
import { aResource, nowMs } from '../../testing/builders.ts'
import { choosePolicy, policyOf } from './policy.gate.ts'
import type { RollbackPolicy, Selector } from './policy.ts'

let serial = 0
const aPolicy = (appliesTo: Partial<Selector> = {}, overrides: Partial<RollbackPolicy> = {}): RollbackPolicy => {
  const at = new Date(nowMs + ++serial)
  return {
    ...{ id: `rpol_${serial}`, projectId: 'prj_1', name: `policy ${serial}`, description: '', priority: 0, rules: {}, scheduleSince: at },
    ...{ appliesTo: { types: [], labels: {}, group: undefined, ...appliesTo }, deleteTime: undefined, purgeTime: undefined },
    ...{ createdAt: at, updatedAt: at, version: 1 },
    ...overrides,
  }
}
const resource = aResource({ labels: { team: 'shop', stage: 'live', group: 'payments' } })
const chosen = (...policies: RollbackPolicy[]): RollbackPolicy | undefined => policyOf(resource, policies)

test('a policy that names nothing fits every resource of the project', () => {
  const all = aPolicy()
  expect(chosen(all)).toBe(all)
})

test.each<[string, Partial<Selector>]>([
  ['another type', { types: ['c7i.*', 'm7i.xlarge'] }],
  ['a type that only looks like it', { types: ['m7ixlarge', 'm7i.'] }],
  ['a label that it does not have', { labels: { team: 'shop', tier: 'gold' } }],
  ['another value of a label', { labels: { team: 'ops' } }],
  ['another user group', { group: 'billing' }],
  ['all of it but one thing', { types: ['m7i.*'], labels: { team: 'shop' }, group: 'billing' }],
])('one for %s does not fit, and says so', (_name, selector) => {
  expect(chosen(aPolicy(selector))).toBeUndefined()
  expect(choosePolicy(resource, [aPolicy(selector)])).toMatchObject([{ applies: false, why: expect.stringMatching(/^It is for/) as string }])
})

test('precedence: priority, user group, labels, type, age', () => {
  const project = aPolicy()
  const type = aPolicy({ types: ['m7i.*'] })
  const label = aPolicy({ labels: { team: 'shop' } })
  const labels = aPolicy({ labels: { team: 'shop', stage: 'live' } })
  const group = aPolicy({ group: 'payments' })
  const priority = aPolicy({}, { priority: 1 })
  const order = [project, type, label, labels, group, priority]
  for (const [index, policy] of order.entries()) expect(chosen(...order.slice(0, index + 1))).toBe(policy)
  expect(chosen(...order.toReversed())).toBe(priority)
  const younger = aPolicy({}, { priority: 1 })
  expect(chosen(younger, priority)).toBe(priority)
})

test('every policy in force has a reason, and a deleted one is not considered', () => {
  const winner = aPolicy({ group: 'payments', types: ['*'] })
  const loser = aPolicy({ labels: { team: 'shop' } })
  const unfit = aPolicy({ types: ['t3.*'] })
  const deleted = aPolicy({}, { priority: 9, deleteTime: new Date(nowMs), purgeTime: new Date(nowMs) })
  expect(choosePolicy(resource, [unfit, loser, winner, deleted]).map(({ policy, applies, why }) => [policy.name, applies, why])).toEqual([
    [winner.name, true, 'It fits by the user group payments and the type *, and goes first.'],
    [loser.name, false, `It fits too, but ${loser.name} does not go before ${winner.name}: a user group before none.`],
    [unfit.name, false, 'It is for the types t3.*; this one is m7i.large.'],
  ])
})
