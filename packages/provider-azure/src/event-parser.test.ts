import { describe, expect, it } from 'vitest'
import { parseAzureDocument } from './event-parser.ts'

const at = '2026-03-01T12:00:00.000Z'
const vm = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/web-1'
const health = (properties: object) => ({
  resourceInfo: { id: `${vm}/providers/Microsoft.ResourceHealth/availabilityStatuses/x`, name: 'x', type: 'Microsoft.ResourceHealth/x', properties },
  operationalInfo: { resourceEventTime: '2026-03-01T11:59:00Z' },
  apiVersion: '2023-12-01',
})
const about = { targetResourceId: vm, targetResourceType: 'Microsoft.Compute/virtualMachines', occurredTime: '2026-03-01T11:58:00Z' }

/** The same event in Event Grid's own schema and as a CloudEvent. */
const inBoth = (type: string, data: unknown): readonly unknown[] => [
  {
    id: 'e-1',
    topic: '/subscriptions/1',
    subject: vm,
    data,
    eventType: type,
    dataVersion: '1',
    metadataVersion: '1',
    eventTime: '2026-03-01T11:59:30Z',
  },
  { id: 'e-1', source: '/subscriptions/1', subject: vm, data, type, specversion: '1.0', time: '2026-03-01T11:59:30Z' },
]
const signalsOf = (type: string, data: unknown) => inBoth(type, data).map((document) => parseAzureDocument(document, { at }))

describe('health of a virtual machine', () => {
  const changed = 'Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged'
  const annotated = 'Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated'

  it('that has become unavailable is a failure whose cause nobody has said', () => {
    const data = health({ ...about, previousAvailabilityState: 'Available', availabilityState: 'Unavailable' })
    for (const parsed of signalsOf(changed, data)) {
      expect(parsed).toEqual({
        outcome: 'signals',
        signals: [
          {
            kind: 'failure',
            effect: 'unknown',
            nativeId: vm,
            eventId: 'e-1',
            observedAt: '2026-03-01T11:58:00.000Z',
            confidence: 'certain',
            cause: 'unknown',
            canExpedite: false,
          },
        ],
      })
    }
  })

  it('that has become available is of no concern', () => {
    for (const parsed of signalsOf(changed, health({ ...about, availabilityState: 'Available' }))) expect(parsed.outcome).toBe('ignored')
  })

  it.each([
    ['VirtualMachineDeallocationInitiated', 'Customer Initiated', 'stop', 'user'],
    ['VirtualMachineDeallocationInitiated', 'Platform Initiated', 'stop', 'platform'],
    ['VirtualMachineDeletionInitiated', 'Customer Initiated', 'terminate', 'user'],
    ['VirtualMachineRebootInitiatedForPlannedMaintenance', 'Platform Initiated', 'reboot', 'platform'],
    ['VirtualMachineRedeployInitiatedByControlPlaneDueToPlannedMaintenance', 'Platform Initiated', 'redeploy', 'platform'],
    ['VirtualMachineDeallocationInitiated', '', 'stop', 'unknown'],
  ])('is annotated with %s, %s: effect %s, cause %s', (annotationName, context, effect, cause) => {
    const data = health({ ...about, annotationName, reason: 'words', summary: 'words', context, category: 'Planned' })
    for (const parsed of signalsOf(annotated, data)) expect(parsed).toMatchObject({ signals: [{ kind: 'failure', effect, cause, nativeId: vm }] })
  })

  it('of something else is of no concern', () => {
    const data = health({ ...about, targetResourceType: 'Microsoft.Sql/servers', annotationName: 'Deleted' })
    for (const parsed of signalsOf(annotated, data)) expect(parsed.outcome).toBe('ignored')
  })
})

describe('operations of Resource Manager', () => {
  const data = (operationName: string) => ({
    authorization: { scope: vm, action: operationName },
    correlationId: 'c-1',
    resourceProvider: 'Microsoft.Compute',
    resourceUri: vm,
    operationName,
    status: 'Succeeded',
    subscriptionId: '11111111-2222-3333-4444-555555555555',
    tenantId: 't',
  })

  it.each([
    ['Microsoft.Resources.ResourceDeleteSuccess', 'Microsoft.Compute/virtualMachines/delete', 'terminate'],
    ['Microsoft.Resources.ResourceActionSuccess', 'Microsoft.Compute/virtualMachines/deallocate/action', 'stop'],
    ['Microsoft.Resources.ResourceActionSuccess', 'Microsoft.Compute/virtualMachines/powerOff/action', 'stop'],
  ])('%s of %s is a failure: it may have been us', (type, operation, effect) => {
    for (const parsed of signalsOf(type, data(operation)))
      expect(parsed).toMatchObject({ signals: [{ kind: 'failure', effect, cause: 'unknown', nativeId: vm, observedAt: '2026-03-01T11:59:30.000Z' }] })
  })

  it('that stop nothing are of no concern', () => {
    for (const type of ['Microsoft.Resources.ResourceActionSuccess', 'Microsoft.Resources.ResourceWriteSuccess'])
      for (const parsed of signalsOf(type, data('Microsoft.Compute/virtualMachines/start/action'))) expect(parsed.outcome).toBe('ignored')
  })
})

it('shapes nobody knows are malformed, and never throw', () => {
  for (const document of [null, 7, 'text', {}, [], { eventType: 7 }, { eventType: 'Microsoft.Resources.ResourceDeleteSuccess' }])
    expect(parseAzureDocument(document, { at }).outcome).toBe('malformed')
})
