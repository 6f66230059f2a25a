import { providerError, type TrafficBinding } from '@understudy/provider'

export interface WeightBinding {
  readonly entry: { readonly kind: 'listener' | 'rule'; readonly arn: string }
  readonly primaryGroup: string
  readonly standbyGroup: string
  readonly port: number
}

/** The same documents that the AWS adapter reads. */
export function readWeightBinding({ native }: TrafficBinding): WeightBinding {
  const { listenerArn, ruleArn } = native
  if ((listenerArn === undefined) === (ruleArn === undefined)) throw invalid('exactly one of listenerArn and ruleArn must be given')
  const primaryGroup = arnOf(native, 'primaryTargetGroupArn')
  const standbyGroup = arnOf(native, 'standbyTargetGroupArn')
  if (primaryGroup === standbyGroup) throw invalid('primaryTargetGroupArn and standbyTargetGroupArn must differ: weights are given per group')
  const entry =
    ruleArn === undefined
      ? { kind: 'listener' as const, arn: arnOf(native, 'listenerArn') }
      : { kind: 'rule' as const, arn: arnOf(native, 'ruleArn') }
  return { entry, primaryGroup, standbyGroup, port: portOf(native) }
}

export const readTargetBinding = ({ native }: TrafficBinding): { readonly group: string; readonly port: number } => ({
  group: arnOf(native, 'targetGroupArn'),
  port: portOf(native),
})

export function readAddressBinding({ native }: TrafficBinding): string {
  const { allocationId } = native
  if (typeof allocationId !== 'string' || !/^eipalloc-[0-9a-z]+$/.test(allocationId))
    throw invalid('allocationId must look like eipalloc-0123456789abcdef0')
  return allocationId
}

/** `{ hostedZoneId, name }`, as the AWS adapter reads it. */
export function readNameBinding({ native: { hostedZoneId, name } }: TrafficBinding): { readonly zoneId: string; readonly name: string } {
  if (typeof hostedZoneId !== 'string' || !/^Z[0-9A-Z]+$/.test(hostedZoneId)) throw invalid('hostedZoneId must look like Z0123456789ABCDEF')
  if (typeof name !== 'string' || !name.endsWith('.')) throw invalid('name must be a DNS name with its final dot, like www.example.com.')
  return { zoneId: hostedZoneId, name: name.toLowerCase() }
}

function arnOf(native: TrafficBinding['native'], member: string): string {
  const value = native[member]
  if (typeof value !== 'string' || !value.startsWith('arn:')) throw invalid(`${member} must be an ARN`)
  return value
}

function portOf(native: TrafficBinding['native']): number {
  const { port } = native
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('port must be a whole number from 1 to 65535')
  return port
}

const invalid = (what: string) => providerError('invalid', 'InvalidBinding', `The traffic binding is not valid: ${what}.`)
