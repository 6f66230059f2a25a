import type { SignalEffect } from '@understudy/provider'

/** What a scheduled event of EC2 does to its instance, by the `Code` of DescribeInstanceStatus and of the metadata service. */
export function effectOfEventCode(code: unknown): SignalEffect {
  switch (code) {
    case 'instance-reboot':
    case 'system-reboot':
      return 'reboot'
    case 'system-maintenance':
      return 'freeze'
    case 'instance-stop':
    case 'instance-retirement': // an instance with an EBS root is stopped, not ended
      return 'stop'
    default:
      return 'unknown'
  }
}

/** The same by the `eventTypeCode` of AWS Health, for instance `AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED`. */
export function effectOfHealthCode(code: unknown): SignalEffect {
  if (typeof code !== 'string') return 'unknown'
  if (code.includes('REBOOT')) return 'reboot'
  if (code.includes('RETIREMENT') || code.includes('_STOP_')) return 'stop'
  if (code.includes('POWER_MAINTENANCE')) return 'reboot'
  return code.includes('MAINTENANCE') ? 'freeze' : 'unknown'
}

/** A stop and a start move an instance to other hardware before the date. Nothing of the sort helps against a short freeze. */
export const canExpedite = (effect: SignalEffect): boolean => effect === 'stop' || effect === 'reboot'

export const effectOfAction = (action: unknown): SignalEffect | undefined =>
  action === 'terminate' || action === 'stop' || action === 'hibernate' ? action : undefined
