import type { Stores } from '../../database.ts'
import type { Resource } from '../../resources/resource.ts'
import { policyOf } from './policy.gate.ts'
import type { RollbackPolicy } from './policy.ts'

export interface Governed {
  readonly resource: Resource
  readonly policy: RollbackPolicy
}

const pageSize = 500

/** The resources of a project that a policy governs, by pages as they are read. */
export async function* governedPages(
  stores: Pick<Stores, 'resources'>,
  projectId: string,
  policies: readonly RollbackPolicy[],
): AsyncGenerator<readonly Governed[]> {
  let after: string | undefined
  do {
    const page = await stores.resources.list(projectId, { after, limit: pageSize })
    yield page.flatMap((resource) => {
      const policy = policyOf(resource, policies)
      return policy === undefined ? [] : [{ resource, policy }]
    })
    after = page.length < pageSize ? undefined : page.at(-1)?.id
  } while (after !== undefined)
}
