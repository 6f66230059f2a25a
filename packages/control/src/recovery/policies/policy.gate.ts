import type { Resource } from '../../resources/resource.ts'
import { groupLabel } from './policy.ts'
import type { RollbackPolicy, Selector } from './policy.ts'

type Subject = Pick<Resource, 'labels'> & { readonly dna: { readonly size: { readonly type: string } } }

export interface Considered {
  readonly policy: RollbackPolicy
  readonly applies: boolean
  /** In words, for people. */
  readonly why: string
}

/** Pure. Which policy applies to a resource, and why not the others. Deleted ones are not among those considered. */
export function choosePolicy(resource: Subject, policies: readonly RollbackPolicy[]): readonly Considered[] {
  const present = policies.filter(({ deleteTime }) => deleteTime === undefined)
  const fitting = present.filter(({ appliesTo }) => misfit(resource, appliesTo) === undefined).toSorted(precedence)
  const [first, ...others] = fitting
  return [
    ...(first === undefined
      ? []
      : [{ policy: first, applies: true, why: `It fits by ${fitsBy(first.appliesTo)}${others.length > 0 ? ', and goes first' : ''}.` }]),
    ...others.map((policy) => ({
      policy,
      applies: false,
      why: `It fits too, but ${policy.name} does not go before ${first?.name ?? ''}: ${lostBy(first!, policy)}.`,
    })), // there is a first, or no others
    ...present
      .filter((policy) => !fitting.includes(policy))
      .map((policy) => ({ policy, applies: false, why: misfit(resource, policy.appliesTo) ?? '' })),
  ]
}

/** The policy that applies, or none. */
export const policyOf = (resource: Subject, policies: readonly RollbackPolicy[]): RollbackPolicy | undefined => {
  const [first] = choosePolicy(resource, policies)
  return first?.applies === true ? first.policy : undefined
}

/** In this order; each decides only where those before it are equal. The statement of compliance says the same in SQL. */
const rules: readonly { readonly says: string; readonly of: (policy: RollbackPolicy) => number }[] = [
  { says: 'a higher priority', of: ({ priority }) => priority },
  { says: 'a user group before none', of: ({ appliesTo }) => Number(appliesTo.group !== undefined) },
  { says: 'more labels', of: ({ appliesTo }) => Object.keys(appliesTo.labels).length },
  { says: 'a resource type before none', of: ({ appliesTo }) => Number(appliesTo.types.length > 0) },
  { says: 'the older one', of: ({ createdAt }) => -createdAt.getTime() },
]

function precedence(a: RollbackPolicy, b: RollbackPolicy): number {
  for (const { of } of rules) if (of(a) !== of(b)) return of(b) - of(a)
  return a.id < b.id ? -1 : 1
}

const lostBy = (winner: RollbackPolicy, loser: RollbackPolicy): string => rules.find(({ of }) => of(winner) !== of(loser))?.says ?? 'the lower id'

function misfit(resource: Subject, { types, labels, group }: Selector): string | undefined {
  const { type } = resource.dna.size
  if (types.length > 0 && !types.some((pattern) => matches(pattern, type))) return `It is for the types ${types.join(', ')}; this one is ${type}.`
  const missing = Object.entries(labels).find(([name, value]) => resource.labels[name] !== value)
  if (missing !== undefined) return `It is for resources with the label ${missing.join('=')}.`
  if (group !== undefined && resource.labels[groupLabel] !== group) return `It is for resources of the user group ${group}.`
  return undefined
}

const matches = (pattern: string, type: string): boolean =>
  // Of what a pattern may hold only these two mean something to an expression.
  new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`).test(type)

function fitsBy({ types, labels, group }: Selector): string {
  const parts = [
    ...(group === undefined ? [] : [`the user group ${group}`]),
    ...Object.entries(labels).map((label) => `the label ${label.join('=')}`),
    ...(types.length === 0 ? [] : [`the type ${types.join(', ')}`]),
  ]
  return parts.length === 0 ? 'being in the project' : parts.join(' and ')
}
