import type { EffectivePolicy as EffectivePolicyView, RollbackPolicy as RollbackPolicyView } from '@understudy/contract'
import type { EffectivePolicy, PolicyRules, RollbackPolicy } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

type Rules = Pick<z.input<typeof RollbackPolicyView>, keyof PolicyRules>

export const rollbackPolicyView = (policy: RollbackPolicy): z.input<typeof RollbackPolicyView> =>
  present({
    id: policy.id,
    name: policy.name,
    description: policy.description,
    appliesTo: { types: [...policy.appliesTo.types], labels: policy.appliesTo.labels, ...present({ group: policy.appliesTo.group }) },
    priority: policy.priority,
    // The same members under the same names, as the contract's schema has taken them in.
    ...(structuredClone(policy.rules) as Rules),
    deleteTime: timeText(policy.deleteTime),
    purgeTime: timeText(policy.purgeTime),
    createdAt: policy.createdAt.toISOString(),
    updatedAt: policy.updatedAt.toISOString(),
    etag: etagOf(policy.version),
  })

export const effectivePolicyView = ({ policy, nextCaptureAt, considered }: EffectivePolicy): z.input<typeof EffectivePolicyView> =>
  present({
    policy: policy && rollbackPolicyView(policy),
    nextCaptureAt: timeText(nextCaptureAt),
    considered: considered.map((item) => ({ policyId: item.policy.id, name: item.policy.name, applies: item.applies, why: item.why })),
  })
