import type { JsonObject } from '@understudy/core'
import type { EventBridgeEvent, Instance, InterruptionBehavior, ScheduledEvent, TimeMs } from './types.ts'

interface EventSource {
  readonly region: string
  readonly accountId: string
  now(): TimeMs
  uuid(): string
}

/** RFC 3339 without fractions, as EventBridge writes times. */
export const eventTime = (ms: TimeMs): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

function envelope(source: EventSource, name: string, detailType: string, resources: readonly string[], detail: JsonObject): EventBridgeEvent {
  return {
    version: '0',
    id: source.uuid(),
    'detail-type': detailType,
    source: name,
    account: source.accountId,
    time: eventTime(source.now()),
    region: source.region,
    resources,
    detail,
  }
}

/** The warning's ARN has the zone in the region's place and no account, as EC2 sends it. */
export const interruptionWarning = (source: EventSource, instance: Instance, action: InterruptionBehavior): EventBridgeEvent =>
  envelope(source, 'aws.ec2', 'EC2 Spot Instance Interruption Warning', [`arn:aws:ec2:${instance.zone}:instance/${instance.instanceId}`], {
    'instance-id': instance.instanceId,
    'instance-action': action,
  })

export const rebalanceRecommendation = (source: EventSource, instance: Instance): EventBridgeEvent =>
  envelope(source, 'aws.ec2', 'EC2 Instance Rebalance Recommendation', [`arn:aws:ec2:${instance.zone}:instance/${instance.instanceId}`], {
    'instance-id': instance.instanceId,
  })

export const stateChangeEvent = (source: EventSource, instance: Instance): EventBridgeEvent =>
  envelope(
    source,
    'aws.ec2',
    'EC2 Instance State-change Notification',
    [`arn:aws:ec2:${source.region}:${source.accountId}:instance/${instance.instanceId}`],
    { 'instance-id': instance.instanceId, state: instance.state },
  )

const healthTypeCodes: Record<ScheduledEvent['code'], string> = {
  'instance-reboot': 'AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED',
  'system-reboot': 'AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED',
  'system-maintenance': 'AWS_EC2_SYSTEM_MAINTENANCE_SCHEDULED',
  'instance-retirement': 'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED',
  'instance-stop': 'AWS_EC2_INSTANCE_STOP_SCHEDULED',
}

/** Times in here are RFC 1123, unlike the envelope's. */
export const healthEvent = (source: EventSource, instance: Instance, scheduled: ScheduledEvent): EventBridgeEvent =>
  envelope(source, 'aws.health', 'AWS Health Event', [instance.instanceId], {
    eventArn: `arn:aws:health:${source.region}::event/EC2/${healthTypeCodes[scheduled.code]}/${scheduled.instanceEventId}`,
    service: 'EC2',
    eventTypeCode: healthTypeCodes[scheduled.code],
    eventTypeCategory: 'scheduledChange',
    statusCode: scheduled.state !== 'active' ? 'closed' : scheduled.startedAtMs === undefined ? 'upcoming' : 'open',
    startTime: new Date(scheduled.notBeforeMs).toUTCString(),
    ...(scheduled.notAfterMs === undefined ? {} : { endTime: new Date(scheduled.notAfterMs).toUTCString() }),
    eventDescription: [{ language: 'en_US', latestDescription: scheduled.description }],
    affectedEntities: [{ entityValue: instance.instanceId, tags: instance.tags }],
  })
