import { AppError, contentHash, notFound, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import { actorOf } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import type { Stores } from '../../database.ts'
import { refuseInvalid } from '../../fields.ts'
import { recordChange } from '../../journal/record-change.ts'
import { requireSeenVersion, swap } from '../../seen-version.ts'
import { refuseOwnRegions } from './copy-regions.ts'
import { refuseImpossibleHosts } from './shadow-hosts.ts'
import { policyFieldErrors } from './policy-fields.ts'
import type { PolicyRules, RollbackPolicy, Selector } from './policy.ts'

const policiesMax = 100
/** How long a deleted policy can be brought back. */
const undeleteMs = 30 * 86_400_000

export interface NewPolicy {
  readonly name: string
  readonly description?: string | undefined
  readonly appliesTo?: Partial<Selector> | undefined
  readonly priority?: number | undefined
  readonly rules: PolicyRules
}

/** Needs `admin`, as everything does that says what others may do. */
export async function createPolicy(control: Control, principal: Principal, input: NewPolicy): Promise<RollbackPolicy> {
  requireRole(principal, 'admin')
  const appliesTo = { types: [], labels: {}, group: undefined, ...input.appliesTo }
  refuseInvalid(policyFieldErrors({ ...input, appliesTo }))
  await refuseImpossibleHosts(control, principal, input.rules)
  const at = now(control.clock)
  const policy: RollbackPolicy = {
    id: control.ids.next('rollbackPolicy'),
    projectId: principal.projectId,
    name: input.name,
    description: input.description ?? '',
    appliesTo,
    priority: input.priority ?? 0,
    rules: input.rules,
    scheduleSince: at,
    deleteTime: undefined,
    purgeTime: undefined,
    createdAt: at,
    updatedAt: at,
    version: 1,
  }
  await control.database.transaction(async (stores) => {
    const present = await stores.rollbackPolicies.list(principal.projectId, { after: undefined, limit: policiesMax })
    if (present.length >= policiesMax) throw new AppError('conflict', `A project has at most ${policiesMax} rollback policies. Delete one first.`)
    await refuseUnknownKeys(stores, principal, policy.rules)
    await refuseOwnRegions(stores, principal, policy.rules)
    await stores.rollbackPolicies.insert(policy)
    await record(control, stores, principal, 'created', policy, { rules: policy.rules as Json }) // plain JSON by its type
  })
  return policy
}

export interface PolicyPatch {
  readonly id: string
  readonly seenVersion: number
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly appliesTo?: Partial<Selector> | undefined
  readonly priority?: number | undefined
  /** Each rule that is named is replaced as a whole; `null` takes it away. */
  readonly rules?: { readonly [Rule in keyof PolicyRules]?: PolicyRules[Rule] | null }
}

export async function updatePolicy(control: Control, principal: Principal, { id, seenVersion, ...patch }: PolicyPatch): Promise<RollbackPolicy> {
  requireRole(principal, 'admin')
  await refuseImpossibleHosts(control, principal, patch.rules ?? {})
  return change(control, principal, { id, seenVersion }, async (stores, before, at) => {
    if (before.deleteTime !== undefined) throw new AppError('conflict', 'The policy is deleted. Bring it back with :undelete, then change it.')
    const rules = Object.fromEntries(
      Object.entries({ ...before.rules, ...patch.rules }).filter(([, rule]) => rule !== null && rule !== undefined),
    ) as PolicyRules // the members that are left
    const appliesTo = patch.appliesTo === undefined ? before.appliesTo : { types: [], labels: {}, group: undefined, ...patch.appliesTo }
    refuseInvalid(policyFieldErrors({ ...patch, appliesTo, rules }))
    await refuseUnknownKeys(stores, principal, rules)
    await refuseOwnRegions(stores, principal, rules)
    const sameSchedule = contentHash(before.rules.schedule ?? null) === contentHash(rules.schedule ?? null)
    return {
      what: 'updated',
      data: { rules: rules as Json }, // plain JSON by its type
      after: {
        ...before,
        name: patch.name ?? before.name,
        description: patch.description ?? before.description,
        priority: patch.priority ?? before.priority,
        appliesTo,
        rules,
        scheduleSince: sameSchedule ? before.scheduleSince : at,
      },
    }
  })
}

/** It no longer applies, from now on; for a month it can be brought back. */
export const deletePolicy = (
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<RollbackPolicy> =>
  change(control, principal, input, (_stores, before, at) => {
    if (before.deleteTime !== undefined) throw new AppError('conflict', 'The policy is deleted already.')
    return { what: 'deleted', after: { ...before, deleteTime: at, purgeTime: new Date(at.getTime() + undeleteMs) } }
  })

/** What its schedule asked for meanwhile is not made up for. */
export const undeletePolicy = (
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<RollbackPolicy> =>
  change(control, principal, input, (_stores, before, at) => {
    if (before.deleteTime === undefined) throw new AppError('conflict', 'The policy is not deleted.')
    return { what: 'undeleted', after: { ...before, deleteTime: undefined, purgeTime: undefined, scheduleSince: at } }
  })

interface Decided {
  readonly what: 'updated' | 'deleted' | 'undeleted'
  readonly after: RollbackPolicy
  readonly data?: { readonly [key: string]: Json }
}

async function change(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
  decide: (stores: Stores, before: RollbackPolicy, at: Date) => Decided | Promise<Decided>,
): Promise<RollbackPolicy> {
  requireRole(principal, 'admin')
  return control.database.transaction(async (stores) => {
    const before = await stores.rollbackPolicies.find(principal.projectId, input.id)
    if (before === undefined) throw notFound('rollback policy')
    requireSeenVersion(before, input.seenVersion)
    const at = now(control.clock)
    const { what, data, after } = await decide(stores, before, at)
    const written = { ...after, updatedAt: at, version: before.version + 1 }
    await swap(stores.rollbackPolicies.update(written, before.version))
    await record(control, stores, principal, what, written, data)
    return written
  })
}

const record = (
  control: Control,
  stores: Stores,
  principal: Principal,
  what: 'created' | Decided['what'],
  policy: RollbackPolicy,
  data: Decided['data'] = {},
): Promise<void> =>
  recordChange(control, stores, {
    projectId: policy.projectId,
    actor: actorOf(principal),
    what: `rollback_policies.${what}`,
    subject: `rollback-policies/${policy.id}`,
    data: { name: policy.name, ...data },
  })

/** A mistyped key would lock everybody out of their own rollbacks. */
async function refuseUnknownKeys(stores: Stores, principal: Principal, { rollBack }: PolicyRules): Promise<void> {
  for (const [index, key] of (rollBack?.keys ?? []).entries()) {
    if ((await stores.access.findKey(principal.projectId, key)) === undefined) {
      refuseInvalid([{ pointer: `/rollBack/keys/${index}`, message: 'is not a key of this project' }])
    }
  }
}
