import { now } from '@understudy/core'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { pageOf, pageQuery } from '../../page.ts'
import type { Page, PageInput } from '../../page.ts'
import { resourceSpace } from '../space.ts'
import type { ResourceSpace, SpaceSums } from '../space.ts'

export const violations = ['no_policy', 'no_point', 'point_too_old', 'no_copy', 'no_proven_restore'] as const
export type Violation = (typeof violations)[number]

/** How one resource stands to its policy. */
export interface ComplianceRow {
  readonly projectId: string
  readonly resourceId: string
  readonly name: string
  readonly policyId: string | undefined
  readonly newestPointId: string | undefined
  readonly newestPointAt: Date | undefined
  readonly maxPointAgeSeconds: number | undefined
  readonly restoreProvenAt: Date | undefined
  readonly proofMaxAgeSeconds: number | undefined
  readonly violations: readonly Violation[]
  readonly space: SpaceSums
}

export type ComplianceEntry = Omit<ComplianceRow, 'space'> & { readonly space: ResourceSpace }

export interface ComplianceFilter {
  /** Only resources that violate this; `any`: only those that violate anything; left out: all. */
  readonly violation?: Violation | 'any' | undefined
  readonly accountId?: string | undefined
  readonly policyId?: string | undefined
}

export interface ComplianceStore {
  /** One statement. In the order of resource ids. */
  list(
    projectId: string,
    query: ComplianceFilter & { readonly after: string | undefined; readonly limit: number; readonly at: Date },
  ): Promise<readonly ComplianceRow[]>
}

/** Which resources violate their policy. A resource without a policy violates nothing but `no_policy`. */
export async function listCompliance(control: Control, principal: Principal, input: PageInput & ComplianceFilter): Promise<Page<ComplianceEntry>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const { violation, accountId, policyId } = input
  const rows = await control.database.stores.compliance.list(principal.projectId, {
    ...query,
    violation,
    accountId,
    policyId,
    at: now(control.clock),
  })
  return pageOf(
    rows.map((row) => ({ ...row, space: resourceSpace(row.space) })),
    size,
    ({ resourceId }) => resourceId,
  )
}
