import type { StateChange } from '../../datacentre/api.ts'
import type { Instance } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { missingParameter } from '../fault.ts'
import type { Params } from '../params.ts'
import { at, queryOf, stateView } from './common.ts'
import { instanceView, zoneIdOf } from './instance-view.ts'
import { runInstances } from './run-instances.ts'

const idCost = (params: Params): { resources: number } => ({ resources: params.texts('InstanceId').length })

export const instanceActions: ActionTable = {
  RunInstances: { run: runInstances, cost: (params) => ({ resources: params.integer('MaxCount') ?? 1 }) },
  DescribeInstances: describeInstances,
  DescribeInstanceStatus: describeInstanceStatus,
  DescribeInstanceCreditSpecifications: describeCreditSpecifications,
  StartInstances: { run: ({ dataCentre, params }) => changes(dataCentre.instances.start(instanceIds(params))), cost: idCost },
  StopInstances: { run: stopInstances, cost: idCost },
  TerminateInstances: { run: ({ dataCentre, params }) => changes(dataCentre.instances.terminate(instanceIds(params))), cost: idCost },
  RebootInstances: {
    run: ({ dataCentre, params }) => {
      dataCentre.instances.reboot(instanceIds(params))
      return { return: true }
    },
    cost: idCost,
  },
  ModifyInstanceEventStartTime: modifyEventStart,
}

function describeInstances({ dataCentre, params }: Call): XmlObject {
  const page = dataCentre.instances.describe(queryOf(params, 'InstanceId'))
  const reservations = new Map<string, Instance[]>()
  for (const instance of page.items) {
    const together = reservations.get(instance.reservationId)
    if (together === undefined) reservations.set(instance.reservationId, [instance])
    else together.push(instance)
  }
  return {
    reservationSet: [...reservations].map(([reservationId, instances]) => ({
      reservationId,
      ownerId: dataCentre.accountId,
      groupSet: [],
      instancesSet: instances.map((instance) => instanceView(dataCentre, instance)),
    })),
    nextToken: page.nextToken,
  }
}

function stopInstances({ dataCentre, params }: Call): XmlObject {
  const how = compact({ force: params.boolean('Force'), hibernate: params.boolean('Hibernate') })
  return changes(dataCentre.instances.stop(instanceIds(params), how))
}

function describeInstanceStatus({ dataCentre, params }: Call): XmlObject {
  const page = dataCentre.maintenance.describeStatus({ ...queryOf(params, 'InstanceId'), includeAll: params.boolean('IncludeAllInstances') ?? false })
  return {
    instanceStatusSet: page.items.map(({ instance, instanceStatus, systemStatus, events }) => ({
      instanceId: instance.instanceId,
      availabilityZone: instance.zone,
      availabilityZoneId: zoneIdOf(dataCentre, instance.zone),
      instanceState: stateView(dataCentre.instances.seenState(instance)),
      instanceStatus: checkView(instanceStatus),
      systemStatus: checkView(systemStatus),
      attachedEbsStatus: checkView(systemStatus),
      eventsSet: events.length === 0 ? undefined : events.map(eventView),
    })),
    nextToken: page.nextToken,
  }
}

const reachability: Record<string, string> = { ok: 'passed', impaired: 'failed', initializing: 'initializing' }

function checkView(status: string): XmlObject {
  const detail = reachability[status]
  return { status, details: detail === undefined ? undefined : [{ name: 'reachability', status: detail }] }
}

function describeCreditSpecifications({ dataCentre, params }: Call): XmlObject {
  const page = dataCentre.instances.describe(queryOf(params, 'InstanceId'))
  return {
    instanceCreditSpecificationSet: page.items.map((instance) => ({
      instanceId: instance.instanceId,
      // T3 and later begin unlimited, T2 standard; types that do not burst are answered as standard.
      cpuCredits: instance.cpuCredits ?? (/^t[3-9]/.test(instance.instanceType) ? 'unlimited' : 'standard'),
    })),
    nextToken: page.nextToken,
  }
}

function modifyEventStart({ dataCentre, params }: Call): XmlObject {
  const notBeforeMs = params.instant('NotBefore')
  if (notBeforeMs === undefined) throw missingParameter('NotBefore')
  return { event: eventView(dataCentre.maintenance.postpone(params.required('InstanceId'), params.required('InstanceEventId'), notBeforeMs)) }
}

/** An event that is over keeps its text with this word in front; that is how a reader of the API tells. */
function eventView(event: ReturnType<Call['dataCentre']['maintenance']['postpone']>): XmlObject {
  const over = event.state === 'completed' ? '[Completed] ' : event.state === 'canceled' ? '[Canceled] ' : ''
  return {
    instanceEventId: event.instanceEventId,
    code: event.code,
    description: `${over}${event.description}`,
    notBefore: at(event.notBeforeMs),
    notAfter: at(event.notAfterMs),
    notBeforeDeadline: at(event.notBeforeDeadlineMs),
  }
}

function instanceIds(params: Params): string[] {
  const ids = params.texts('InstanceId')
  if (ids.length === 0) throw missingParameter('InstanceId')
  return ids
}

const changes = (changed: readonly StateChange[]): XmlObject => ({
  instancesSet: changed.map(({ instanceId, previousState, currentState }) => ({
    instanceId,
    currentState: stateView(currentState),
    previousState: stateView(previousState),
  })),
})
