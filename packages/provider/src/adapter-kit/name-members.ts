import type { TrafficMember } from '../capabilities/traffic.ts'
import type { InstanceRef } from '../refs.ts'
import { providerError } from '../provider-error.ts'
import { percentsOf } from './weights.ts'

/** One answer of a name. */
export interface NameMember {
  readonly address: string
  readonly weight: number
  /** Left out: nothing watches whether it answers. */
  readonly health?: TrafficMember['health']
}

/** Members by the ids of whose addresses they are. An address that is nobody's goes by itself: it still has its share. */
export function sharesByName(members: readonly NameMember[], owners: ReadonlyMap<string, string>): readonly TrafficMember[] {
  const percents = percentsOf(members.map(({ weight }) => weight))
  return members.map(({ address, health = 'unknown' }, index) => ({
    nativeId: owners.get(address) ?? address,
    weight: percents[index] ?? 0,
    health,
  }))
}

/** Throws `conflict` where a name would lead to nobody once these addresses of `ref` are gone. */
export function requireOtherAnswer(
  members: readonly NameMember[],
  own: ReadonlySet<string>,
  { nativeId }: Pick<InstanceRef, 'nativeId'>,
  name: string,
): void {
  if (members.some(({ address, weight }) => !own.has(address) && weight > 0)) return
  throw providerError('conflict', 'LastMember', `${nativeId} is the only one that ${name} answers with. Give another its weight first.`)
}
