import type { ComplianceRow, ComplianceStore, Violation } from '@understudy/control'
import { spaceOf, toSums } from './recovery-space.ts'
import type { SpaceRow } from './recovery-space.ts'
import { optional } from './rows.ts'
import type { Sql } from './sql.ts'

interface Row extends SpaceRow {
  readonly projectId: string
  readonly resourceId: string
  readonly name: string
  readonly policyId: string | null
  readonly newestPointId: string | null
  readonly newestPointAt: Date | null
  readonly maxPointAgeSeconds: number | null
  readonly restoreProvenAt: Date | null
  readonly proofMaxAgeSeconds: number | null
  readonly violations: string[]
}

export const complianceStore = (sql: Sql): ComplianceStore => ({
  async list(projectId, { after, limit, at, violation, accountId, policyId }) {
    const parameters = [projectId, after ?? '', limit, at.toISOString(), violation ?? null, accountId ?? null, policyId ?? null]
    return (await sql.rows<Row>(statement, parameters)).map((row) => toDomain(row))
  },
})

/**
 * The order in `chosen` is that of `policy.gate.ts`; a test holds the two against each other. `restore_proofs` is a view of the test
 * rollbacks that have passed. Room is summed for the rows of the page alone.
 */
const statement = `
  select page.*, space.* from (select * from (
    select resource.project_id as "projectId", resource.id as "resourceId", resource.name, chosen.id as "policyId",
      point.id as "newestPointId", point.captured_at as "newestPointAt", chosen.max_point_age as "maxPointAgeSeconds",
      proof.proven_at as "restoreProvenAt", chosen.proof_max_age as "proofMaxAgeSeconds",
      array_remove(array[
        case when chosen.id is null then 'no_policy' end,
        case when chosen.max_point_age is not null and point.id is null then 'no_point' end,
        case when point.captured_at < $4::timestamptz - make_interval(secs => chosen.max_point_age) then 'point_too_old' end,
        case when exists (
          select 1 from jsonb_array_elements(chosen.copies) as wanted
          where wanted ->> 'region' <> (select region from accounts where accounts.id = resource.account_id)
            and not exists (
              select 1 from recovery_copies copy join recovery_points kept on kept.id = copy.point_id
              where copy.resource_id = resource.id and copy.region = wanted ->> 'region' and copy.status = 'complete'
                and kept.status = 'usable' and kept.delete_time is null
                and (chosen.max_point_age is null or kept.captured_at >= $4::timestamptz - make_interval(secs => chosen.max_point_age)))
        ) then 'no_copy' end,
        case when chosen.proof_max_age is not null
          and coalesce(proof.proven_at < $4::timestamptz - make_interval(secs => chosen.proof_max_age), true) then 'no_proven_restore' end
      ], null) as violations
    from resources resource
    left join lateral (
      select id, (rules ->> 'maxPointAgeSeconds')::int as max_point_age, (rules ->> 'proofMaxAgeSeconds')::int as proof_max_age,
        rules -> 'copies' as copies
      from rollback_policies policy
      where policy.project_id = resource.project_id and delete_time is null
        and resource.labels @> policy.labels
        and (user_group is null or resource.labels ->> 'group' = user_group)
        and (types = '{}' or exists (
          select 1 from unnest(types) as pattern where resource.dna -> 'size' ->> 'type' like replace(replace(pattern, '_', '\\_'), '*', '%')))
      order by priority desc, (user_group is not null) desc, (select count(*) from jsonb_object_keys(policy.labels)) desc, (types <> '{}') desc,
        created_at, id
      limit 1
    ) chosen on true
    left join lateral (
      select id, captured_at from recovery_points
      where resource_id = resource.id and status = 'usable' and delete_time is null
      order by captured_at desc limit 1
    ) point on true
    left join lateral (
      select max(proven_at) as proven_at from restore_proofs where restore_proofs.resource_id = resource.id
    ) proof on true
    where resource.project_id = $1 and resource.id > $2
      and ($6::text is null or resource.account_id = $6)
  ) standing
  where ($7::text is null or "policyId" = $7)
    and ($5::text is null or $5 = any(violations) or ($5 = 'any' and violations <> '{}'))
  order by "resourceId" limit $3) page
  cross join lateral (${spaceOf('page."resourceId"')}) space
  order by page."resourceId"`

const toDomain = (row: Row): ComplianceRow => ({
  projectId: row.projectId,
  resourceId: row.resourceId,
  name: row.name,
  policyId: optional(row.policyId),
  newestPointId: optional(row.newestPointId),
  newestPointAt: optional(row.newestPointAt),
  maxPointAgeSeconds: optional(row.maxPointAgeSeconds),
  restoreProvenAt: optional(row.restoreProvenAt),
  proofMaxAgeSeconds: optional(row.proofMaxAgeSeconds),
  violations: row.violations as Violation[], // the statement names no others
  space: toSums(row),
})
