import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'

/** A listener's default action, or a rule, that forwards to two target groups by weight. */
export interface LbWeightBinding {
  readonly entry: { readonly kind: 'listener' | 'rule'; readonly arn: string }
  readonly primaryGroup: string
  readonly standbyGroup: string
  readonly port: number
}
export interface LbTargetBinding {
  readonly group: string
  readonly port: number
}
export interface AddressBinding {
  readonly allocationId: string
}
/** A name of a hosted zone of Route 53, whose weighted records are the members' addresses. */
export interface NameBinding {
  readonly hostedZoneId: string
  /** With its final dot. */
  readonly name: string
  readonly addresses: 'external' | 'internal'
}

export function readLbWeight({ native }: TrafficBinding): LbWeightBinding {
  const { listenerArn, ruleArn } = native
  if ((listenerArn === undefined) === (ruleArn === undefined)) throw invalid('exactly one of listenerArn and ruleArn must be given')
  const primaryGroup = arn(native, 'primaryTargetGroupArn')
  const standbyGroup = arn(native, 'standbyTargetGroupArn')
  if (primaryGroup === standbyGroup) throw invalid('primaryTargetGroupArn and standbyTargetGroupArn must differ: weights are given per group')
  return {
    entry: ruleArn === undefined ? { kind: 'listener', arn: arn(native, 'listenerArn') } : { kind: 'rule', arn: arn(native, 'ruleArn') },
    primaryGroup,
    standbyGroup,
    port: port(native),
  }
}

export const readLbTarget = ({ native }: TrafficBinding): LbTargetBinding => ({ group: arn(native, 'targetGroupArn'), port: port(native) })

export function readAddress({ native }: TrafficBinding): AddressBinding {
  const { allocationId } = native
  if (typeof allocationId !== 'string' || !/^eipalloc-[0-9a-z]+$/.test(allocationId))
    throw invalid('allocationId must look like eipalloc-0123456789abcdef0')
  return { allocationId }
}

/** `{ hostedZoneId, name, addresses? }`; `addresses` is `external` where it is not said. */
export function readName({ native: { hostedZoneId, name, addresses = 'external' } }: TrafficBinding): NameBinding {
  if (typeof hostedZoneId !== 'string' || !/^Z[0-9A-Z]{1,31}$/.test(hostedZoneId)) throw invalid('hostedZoneId must look like Z0123456789ABCDEFGHIJ')
  if (typeof name !== 'string' || !/^([a-z0-9_]([a-z0-9_-]*[a-z0-9])?\.)+$/i.test(name))
    throw invalid('name must be a DNS name with its final dot, like www.example.com.')
  if (addresses !== 'external' && addresses !== 'internal') throw invalid('addresses must be external or internal')
  return { hostedZoneId, name: name.toLowerCase(), addresses }
}

function arn(native: TrafficBinding['native'], member: string): string {
  const value = native[member]
  if (typeof value !== 'string' || !value.startsWith('arn:')) throw invalid(`${member} must be an ARN`)
  return value
}

function port(native: TrafficBinding['native']): number {
  const { port: value } = native
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535)
    throw invalid('port must be a whole number from 1 to 65535')
  return value
}

const invalid = (what: string) => providerError('invalid', 'InvalidBinding', `The traffic binding is not valid: ${what}.`)
