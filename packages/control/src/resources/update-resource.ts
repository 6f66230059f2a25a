import { AppError, notFound } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { labelErrors, refuseInvalid, textErrors } from '../fields.ts'
import { appErrorOf, failureOf } from '../operations/failure.ts'
import { changeResource } from './change-resource.ts'
import { elsewhereOf } from './elsewhere.ts'
import type { EntryPoint, Resource } from './resource.ts'

/**
 * Changes the name, the labels (as a whole) or the entry point. The entry point is looked up in the cloud before it is believed;
 * `busy` while a failover moves traffic at it.
 */
export async function updateResource(
  control: Control,
  principal: Principal,
  input: {
    readonly id: string
    readonly seenVersion: number
    readonly name?: string | undefined
    readonly labels?: Labels | undefined
    readonly traffic?: EntryPoint | undefined
  },
): Promise<Resource> {
  requireRole(principal, 'operator')
  refuseInvalid([...textErrors('/name', input.name, 200), ...labelErrors('/labels', input.labels)])
  if (input.traffic !== undefined) await checkTraffic(control, principal, input.id, input.traffic)
  return changeResource(control, principal, input, (before) => {
    if (input.traffic !== undefined && before.status === 'failing-over') {
      throw new AppError('busy', 'A failover is moving the traffic of this resource. Wait for its operation to end, then repeat.')
    }
    return {
      what: 'resources.updated',
      change: {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(input.labels === undefined ? {} : { labels: input.labels }),
        ...(input.traffic === undefined ? {} : { traffic: input.traffic }),
      },
      data: { changed: (['name', 'labels', 'traffic'] as const).filter((field) => input[field] !== undefined) },
    }
  })
}

async function checkTraffic(control: Control, principal: Principal, id: string, binding: EntryPoint): Promise<void> {
  const { resources, accounts } = control.database.stores
  const resource = await resources.find(principal.projectId, id)
  if (resource === undefined) throw notFound('resource')
  const accountId = binding.accountId ?? resource.accountId
  const account = await accounts.find(principal.projectId, accountId)
  if (account === undefined) refuseInvalid([{ pointer: '/traffic/accountId', message: 'is no account of this project' }])
  if (account === undefined) throw notFound('account')
  try {
    const { traffic } = await control.providers.open(account)
    if (traffic?.mechanisms[binding.mechanism] === undefined) {
      const able = Object.keys(traffic?.mechanisms ?? {}).join(', ') || 'nothing'
      refuseInvalid([{ pointer: '/traffic/mechanism', message: `is none that this cloud has. It has: ${able}` }])
    }
    if (elsewhereOf(resource).length > 0 && traffic?.mechanisms[binding.mechanism]?.foreign !== true) {
      refuseInvalid([{ pointer: '/traffic/mechanism', message: 'cannot be led to the other accounts that the tier names' }])
    }
    await traffic?.validate(binding)
  } catch (error) {
    if (isProviderError(error, 'invalid', 'not_found', 'unsupported')) {
      throw new AppError('invalid_request', 'The entry point is not one that traffic can be moved at.', {
        cause: error,
        errors: [{ pointer: '/traffic/native', message: failureOf(error).message }],
      })
    }
    throw appErrorOf(error)
  }
}
