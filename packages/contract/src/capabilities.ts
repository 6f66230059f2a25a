import { z } from 'zod'
import { accountId } from './accounts.ts'
import { idParams, jsonObject } from './common.ts'
import { purchase, readiness, resourceId } from './resources.ts'
import { defineRoute, json } from './route.ts'

export const Capability = z
  .object({
    name: z.enum([
      'clone',
      'interruption-notice',
      'scheduled-maintenance',
      'postpone-maintenance',
      'events-queue',
      'attribution',
      'traffic',
      'hold-memory',
      'resize',
      'rename',
      'snapshots',
      'multi-disk-snapshots',
      'read-only-disks',
      'snapshot-digests',
      'snapshot-copies',
      'host-groups',
      'separate-hosts',
      'commands',
      'market',
      'portable',
    ]),
    supported: z.boolean(),
    reason: z.string().optional().meta({ description: 'Why not. Always there when it is not supported.' }),
    details: jsonObject.optional().meta({ description: 'How, where clouds differ: seconds of notice, what a resize requires.' }),
  })
  .meta({ id: 'Capability' })

const expectedSeconds = z
  .object({ launch: z.number(), start: z.number(), resume: z.number(), shift: z.number() })
  .meta({ id: 'ExpectedSeconds', description: 'What plans reckon with: a launch, a start, the return of held memory, moving traffic.' })

export const AccountCapabilities = z
  .object({ accountId, provider: z.string(), region: z.string(), capabilities: z.array(Capability), expectedSeconds })
  .meta({ id: 'AccountCapabilities' })

export const TierCapability = z
  .object({ readiness, purchase: purchase.exclude(['reserved']), holdMemory: z.boolean(), supported: z.boolean(), reason: z.string().optional() })
  .meta({ id: 'TierCapability', description: 'Whether `:protect` would take a tier of this kind.' })

export const ResourceCapabilities = z
  .object({ resourceId, accountId, capabilities: z.array(Capability), tiers: z.array(TierCapability), expectedSeconds })
  .meta({ id: 'ResourceCapabilities' })

export const getAccountCapabilities = defineRoute({
  method: 'GET',
  url: '/v1/accounts/{id}/capabilities',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getAccountCapabilities',
    tags: ['accounts'],
    summary: 'What can be done in the cloud of an account',
    description: 'Each "no" with its reason. The cloud is asked nothing: these are its differences as its adapter knows them.',
    params: idParams(accountId),
    response: { 200: json('The capabilities.', AccountCapabilities) },
  },
})

export const getResourceCapabilities = defineRoute({
  method: 'GET',
  url: '/v1/resources/{id}/capabilities',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getResourceCapabilities',
    tags: ['resources'],
    summary: 'What can be done with a resource',
    description: 'The capabilities of its cloud, less what this instance stands in the way of, and the kinds of tier that could be kept for it.',
    params: idParams(resourceId),
    response: { 200: json('The capabilities.', ResourceCapabilities) },
  },
})
