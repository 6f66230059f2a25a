import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'

export interface GroupName {
  readonly zone: string
  readonly name: string
}
/** A global backend service with two unmanaged instance groups, whose shares are set by their capacity. */
export interface LbWeightBinding {
  readonly backendService: string
  readonly groups: readonly [primary: GroupName, standby: GroupName]
}

/** `{ backendService, primaryGroup, standbyGroup }`, groups as `zone/name`: a group is bound to its zone. */
export function readLbWeight({ native }: TrafficBinding): LbWeightBinding {
  const { backendService } = native
  if (typeof backendService !== 'string' || !isName(backendService)) throw invalid('backendService must be the name of a global backend service')
  const groups = [groupIn(native, 'primaryGroup'), groupIn(native, 'standbyGroup')] as const
  if (groups[0].zone === groups[1].zone && groups[0].name === groups[1].name)
    throw invalid('primaryGroup and standbyGroup must differ: capacity is given per group')
  return { backendService, groups }
}

function groupIn(native: TrafficBinding['native'], member: string): GroupName {
  const value = native[member]
  const [zone = '', name = '', ...more] = typeof value === 'string' ? value.split('/') : []
  if (!isName(zone) || !isName(name) || more.length > 0) throw invalid(`${member} must look like europe-west1-b/my-group`)
  return { zone, name }
}

const isName = (text: string): boolean => /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
const invalid = (what: string) => providerError('invalid', 'InvalidBinding', `The traffic binding is not valid: ${what}.`)
