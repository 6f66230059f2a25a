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

describe("a guest's scheduled events", () => {
  const event = {
    EventId: '602D9444-D2CD-49C7-8624-8643E7171297',
    EventType: 'Reboot',
    ResourceType: 'VirtualMachine',
    Resources: ['web-1'],
    EventStatus: 'Scheduled',
    NotBefore: 'Sun, 01 Mar 2026 12:15:00 GMT',
    Description: 'Virtual machine is going to be rebooted as requested by authorized user.',
    EventSource: 'Platform',
    DurationInSeconds: -1,
  }
  const read = (DocumentIncarnation: number, ...Events: readonly object[]) =>
    parseAzureDocument({ DocumentIncarnation, Events }, { at, nativeId: vm, documentKind: 'scheduledevents' })

  it('are the whole list of what is ahead, with its version: an event that is no longer named is over', () => {
    const whole = (sequence: number) => [{ nativeId: vm, list: 'scheduledevents', observedAt: at, sequence }]
    expect(read(4, event)).toMatchObject({ signals: [{ eventId: event.EventId.toLowerCase(), list: 'scheduledevents' }], lists: whole(4) })
    expect(read(4, event)).not.toHaveProperty('signals.0.phase')
    expect(read(5)).toEqual({ outcome: 'signals', signals: [], lists: whole(5) })
    expect(read(6, { ...event, Resources: ['another'] })).toEqual({ outcome: 'signals', signals: [], lists: whole(6) })
  })

  it('that have begun say so, and have no time any more', () => {
    const begun = { ...event, EventStatus: 'Started', NotBefore: '' }
    expect(read(5, begun)).toMatchObject({ signals: [{ phase: 'started', deadline: at, canExpedite: false }] })
    // An eviction that begins is the eviction that was announced.
    expect(read(5, { ...begun, EventType: 'Preempt' })).not.toHaveProperty('signals.0.phase')
  })
})

describe('scheduled events in Event Grid', () => {
  const type = 'Microsoft.ResourceNotifications.MaintenanceResources.ScheduledEventEmitted'
  const eventId = '743c15d8-a994-46fc-93af-b84ee33f9a14'
  const scope = '/subscriptions/62d72a8a-5a42-4a28-a1cc-70a836ae7955/resourcegroups/my-resource-group-001/providers/microsoft.compute'
  const emitted = (properties: object, id = `${scope}/virtualmachines/my_vm_001`) => ({
    apiVersion: '2020-03-01',
    operationalInfo: { resourceEventTime: '2024-12-04T18:01:13.2675752Z' },
    resourceInfo: {
      id: `${id}/providers/microsoft.maintenance/scheduledevents/${eventId}`,
      location: 'westus2',
      name: eventId,
      properties: {
        Description: 'Virtual machine is undergoing maintenance',
        DurationInSeconds: -1,
        EventId: eventId,
        EventSource: 'Platform',
        EventStatus: 'Completed',
        EventType: 'Freeze',
        NotBefore: '',
        ResourceType: 'VirtualMachine',
        Resources: ['my_vm_001'],
        ...properties,
      },
      tags: {},
      type: 'microsoft.maintenance/scheduledevents',
    },
  })
  const ofMachine = (name: string) => `${scope.replace('microsoft.compute', 'Microsoft.Compute')}/virtualMachines/${name}`

  it.each([
    ['Scheduled', undefined],
    ['Started', 'started'],
    ['Completed', 'completed'],
    ['Canceled', 'cancelled'],
  ])('with the status %s are about the event of that id', (EventStatus, phase) => {
    for (const parsed of signalsOf(type, emitted({ EventStatus, ...(phase === undefined ? { NotBefore: 'Mon, 09 Dec 2024 18:29:47 GMT' } : {}) }))) {
      expect(parsed).toMatchObject({ signals: [{ kind: 'maintenance', effect: 'freeze', eventId, nativeId: ofMachine('my_vm_001') }] })
      expect((parsed as { readonly signals: readonly { readonly phase?: string }[] }).signals[0]?.phase).toBe(phase)
      expect(parsed).not.toHaveProperty('lists')
    }
  })

  it('of a scale set name its machines', () => {
    const set = `${scope}/virtualMachineScaleSets/myvmss`
    for (const parsed of signalsOf(type, emitted({ EventStatus: 'Canceled', Resources: ['myvmss_1', 'myvmss_2'] }, set)))
      expect(parsed).toMatchObject({ signals: [{ nativeId: ofMachine('myvmss_1') }, { nativeId: ofMachine('myvmss_2'), phase: 'cancelled' }] })
  })

  it('of evictions announce them, and do not say whether they came; of anything else say nothing', () => {
    for (const parsed of signalsOf(type, emitted({ EventStatus: 'Scheduled', EventType: 'Preempt', NotBefore: 'Wed, 04 Dec 2024 18:01:43 GMT' })))
      expect(parsed).toMatchObject({ signals: [{ kind: 'interruption', deadline: '2024-12-04T18:01:43.000Z' }] })
    for (const data of [emitted({ EventType: 'Preempt' }), emitted({ EventType: 'Else' }), emitted({}, '/subscriptions/1/resourceGroups/g/x')])
      for (const parsed of signalsOf(type, data)) expect(parsed.outcome).toBe('ignored')
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
