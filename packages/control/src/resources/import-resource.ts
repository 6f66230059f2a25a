import { AppError, contentHash, notFound } from '@understudy/core'
import type { FieldError, Labels } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { labelErrors, refuseInvalid, textErrors } from '../fields.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { EntryPoint } from './resource.ts'

export interface ImportRequest {
  readonly accountId: string
  /** One instance. Either this or `tags`. */
  readonly nativeId?: string | undefined
  /** All instances that carry all of these, at most 500; those that are imported already are left out. */
  readonly tags?: Labels | undefined
  readonly name?: string | undefined
  readonly traffic?: EntryPoint | undefined
  readonly labels?: Labels | undefined
}

/**
 * Takes existing instances under our care: reads and stores their definition and marks them with our tags. Nothing else is
 * changed in the cloud. While an equal import runs, that one is answered.
 */
export async function importResource(control: Control, principal: Principal, input: ImportRequest): Promise<Operation> {
  requireRole(principal, 'operator')
  checkRequest(input)
  return control.database.transaction(async (stores) => {
    const account = await stores.accounts.find(principal.projectId, input.accountId)
    if (account === undefined) throw notFound('account')
    if (input.nativeId !== undefined) {
      const [known] = await stores.resources.findByNativeIds(account.id, [input.nativeId])
      if (known !== undefined) throw alreadyImported(input.nativeId, known.id)
    }
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'resource.import',
      projectId: account.projectId,
      params: {
        accountId: account.id,
        projectId: account.projectId,
        nativeId: input.nativeId,
        tags: input.tags,
        name: input.name,
        traffic: input.traffic && {
          mechanism: input.traffic.mechanism,
          native: input.traffic.native,
          ...(input.traffic.accountId === undefined ? {} : { accountId: input.traffic.accountId }),
        },
        labels: input.labels,
      },
      lockKey: `import:${account.id}:${input.nativeId ?? contentHash(input.tags)}`,
      priority: priorities.provision,
      requestedBy: actorOf(principal),
      reason: input.nativeId === undefined ? `Import what carries ${tagText(input.tags)}` : `Import ${input.nativeId}`,
    })
    if (!joined) {
      await recordChange(control, stores, {
        projectId: account.projectId,
        actor: actorOf(principal),
        what: 'resources.import_requested',
        subject: `accounts/${account.id}`,
        operationId: operation.id,
        data: { nativeId: input.nativeId, tags: input.tags },
      })
    }
    return operation
  })
}

export const alreadyImported = (nativeId: string, resourceId: string): AppError =>
  new AppError('already_exists', `${nativeId} is imported already, as ${resourceId}.`, { details: { resourceId } })

const tagText = (tags: Labels | undefined): string =>
  Object.entries(tags ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
    .slice(0, 200)

function checkRequest(input: ImportRequest): void {
  const errors: FieldError[] = [
    ...textErrors('/name', input.name, 200),
    ...textErrors('/nativeId', input.nativeId, 512),
    ...labelErrors('/labels', input.labels),
  ]
  if ((input.nativeId === undefined) === (input.tags === undefined)) errors.push({ pointer: '', message: 'must have either nativeId or tags' })
  if (input.tags !== undefined) {
    if (Object.keys(input.tags).length === 0) errors.push({ pointer: '/tags', message: 'must name at least one tag' })
    if (Object.keys(input.tags).length > 10) errors.push({ pointer: '/tags', message: 'must name at most 10 tags' })
    if (input.name !== undefined) errors.push({ pointer: '/name', message: 'can only be given with nativeId: every resource has a name of its own' })
    if (input.traffic !== undefined)
      errors.push({ pointer: '/traffic', message: 'can only be given with nativeId: every resource has an entry point of its own' })
  }
  refuseInvalid(errors)
}
