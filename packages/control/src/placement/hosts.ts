import type { HostGroup } from '@understudy/provider'
import type { Resource } from '../resources/resource.ts'

/** How a shadow is to stand to the hosts of its primary. `any` is the same as nothing said. */
export const hostRules = ['any', 'same-group', 'separate'] as const
export type HostRule = (typeof hostRules)[number]

/** What holds of one shadow: the rule it was made by, and the group that its primary was bound to then. */
export interface HostBinding {
  readonly rule: Exclude<HostRule, 'any'>
  readonly group?: string
}

type Primary = Pick<Resource, 'dna' | 'zone'>

/** That the primary is bound to, as far as is known: its definition may be that of a former primary, which was in another zone. */
export function hostGroupOf({ dna, zone }: Pick<Resource, 'dna'> & { readonly zone?: string | undefined }): HostGroup | undefined {
  const { zone: readIn, hostGroup } = dna.placement
  return zone === undefined || readIn === undefined || zone === readIn ? hostGroup : undefined
}

/** What is written with a shadow that is planned by a rule. */
export function bindingFor(rule: HostRule | undefined, primary: Primary): HostBinding | undefined {
  if (rule === undefined || rule === 'any') return undefined
  const group = hostGroupOf(primary)?.id
  return group === undefined ? { rule } : { rule, group }
}

/** The zone of what is in none, on clouds where there is that: it may be in any building of the region. */
export const noZone = ''

/** Whether a zone can keep the rule. Another zone is another host for certain, unless nobody knows which one the primary is in. Pure. */
export function zoneKeeps(rule: HostRule | undefined, zone: string, primaryZone: string | undefined, group: HostGroup | undefined): boolean {
  const own = primaryZone ?? noZone
  if (rule === 'same-group') return group !== undefined && zone === own
  if (rule !== 'separate') return true
  if (own !== noZone && zone !== own) return true
  return group?.separable === true && (zone === own || group.strategy === 'own-hosts')
}

/** Whether a shadow stands as the rule says, to the primary as it is now. Pure. */
export function standsBy(
  rule: HostRule | undefined,
  { zone, hosts }: { readonly zone: string; readonly hosts?: HostBinding | undefined },
  primary: Primary,
): boolean {
  if (rule === undefined || rule === 'any') return true
  const isByGroup = hosts?.rule === rule && hosts.group !== undefined && hosts.group === hostGroupOf(primary)?.id
  return isByGroup || (rule === 'separate' && (primary.zone ?? noZone) !== noZone && zone !== primary.zone)
}

/** Members of a group that only keeps its source's host apart from each clone may share hardware among themselves. */
export const holdsAfterPromotion = (hosts: HostBinding | undefined, group: HostGroup | undefined): boolean =>
  hosts?.rule !== 'separate' || group === undefined || group.strategy === 'apart'

/** In words, behind "it is in zone a". */
export const hostsText = (hosts: HostBinding | undefined): string =>
  hosts === undefined
    ? ''
    : hosts.rule === 'same-group'
      ? `, on the same group of hosts as the primary${hosts.group === undefined ? '' : ` (${hosts.group})`}`
      : ', on other hosts than the primary'
