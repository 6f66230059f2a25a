import type { PermissionFinding } from '@understudy/provider'
import { z } from 'zod'

/** What the credentials may do for one capability, as far as the cloud has said it. Stored with the account. */
export const permissionReport = z.object({
  capability: z.string(),
  granted: z.array(z.string()),
  missing: z.array(z.string()),
  unproven: z.array(z.object({ permission: z.string(), reason: z.string() })),
})
export type PermissionReport = z.infer<typeof permissionReport>

export function reportOf(findings: readonly PermissionFinding[]): PermissionReport[] {
  return [...Map.groupBy(findings, ({ capability }) => capability)].map(([capability, all]) => {
    const of = (outcome: PermissionFinding['outcome']) => all.filter((finding) => finding.outcome === outcome)
    return {
      capability,
      granted: of('granted').map(({ permission }) => permission),
      missing: of('missing').map(({ permission }) => permission),
      unproven: of('unproven').map(({ permission, reason = 'The cloud does not say.' }) => ({ permission, reason })),
    }
  })
}

/** Nothing else needs these: an account without them is a good account, whose capabilities say what it cannot do. */
const dispensable = new Set(['commands'])

/** "compute: a, b; traffic: c"; undefined: nothing is missing that an account needs. */
export function missingText(reports: readonly PermissionReport[]): string | undefined {
  const lacking = reports.filter(({ capability, missing }) => missing.length > 0 && !dispensable.has(capability))
  return lacking.length === 0 ? undefined : lacking.map(({ capability, missing }) => `${capability}: ${missing.join(', ')}`).join('; ')
}
