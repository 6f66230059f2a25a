import { z } from 'zod'
import { idOf, pageOf, pageQuery, time } from './common.ts'
import { ResourceSpace } from './recovery-points.ts'
import { rollbackPolicyId } from './rollback-policies.ts'
import { defineRoute, json } from './route.ts'

const violation = z.enum(['no_policy', 'no_point', 'point_too_old', 'no_copy', 'no_proven_restore'])

export const ComplianceEntry = z
  .object({
    resourceId: z.string(),
    name: z.string(),
    policyId: z.string().optional().meta({ description: 'Absent: none fits.' }),
    newestPointId: z.string().optional(),
    newestPointAt: time.optional(),
    maxPointAgeSeconds: z.number().int().optional(),
    restoreProvenAt: time.optional(),
    proofMaxAgeSeconds: z.number().int().optional(),
    violations: z.array(violation).meta({
      description:
        'no_policy: none fits it · no_point: its policy limits the age of points, and it has none · point_too_old · no_copy: in a region that its policy names, no copy of a point is complete that is young enough · no_proven_restore: no restore was proven for as long as its policy allows',
    }),
    space: ResourceSpace,
  })
  .meta({ id: 'ComplianceEntry' })

export const listCompliance = defineRoute({
  method: 'GET',
  url: '/v1/recovery/compliance',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listCompliance',
    tags: ['rollback-policies'],
    summary: 'How resources stand to their policies',
    description: 'In the order of resource ids. `violation=any` names only those that violate something.',
    querystring: z.strictObject({
      ...pageQuery,
      violation: violation.or(z.literal('any')).optional(),
      accountId: idOf('account', 'account').optional(),
      policyId: rollbackPolicyId.optional(),
    }),
    response: { 200: json('One page.', pageOf('CompliancePage', ComplianceEntry)) },
  },
})
