import type { CreateTargetGroupInput, TargetId } from '../../datacentre/api.ts'
import type { DataCentre } from '../../datacentre/datacentre.ts'
import type { HealthCheck, Target, TargetGroup } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { invalidValue } from '../fault.ts'
import type { Params } from '../params.ts'
import { attributeList, attributesOf, some } from './balancer-actions.ts'
import { pageOf, tagList, tagsOf } from './common.ts'

export const targetActions: ActionTable = {
  CreateTargetGroup: createTargetGroup,
  DescribeTargetGroups: ({ dataCentre, params }) => {
    const query = compact({
      arns: some(params.texts('TargetGroupArns')),
      names: some(params.texts('Names')),
      loadBalancerArn: params.optional('LoadBalancerArn'),
    })
    const page = pageOf(dataCentre.balancers.describeTargetGroups(query), params)
    return { TargetGroups: page.items.map((group) => groupView(dataCentre, group)), NextMarker: page.NextMarker }
  },
  ModifyTargetGroup: ({ dataCentre, params }) => {
    const group = dataCentre.balancers.modifyTargetGroup({ targetGroupArn: params.required('TargetGroupArn'), healthCheck: healthCheckOf(params) })
    return { TargetGroups: [groupView(dataCentre, group)] }
  },
  DeleteTargetGroup: ({ dataCentre, params }) => {
    dataCentre.balancers.deleteTargetGroup(params.required('TargetGroupArn'))
    return {}
  },
  DescribeTargetGroupAttributes: ({ dataCentre, params }) => {
    const [group] = dataCentre.balancers.describeTargetGroups({ arns: [params.required('TargetGroupArn')] })
    return { Attributes: groupAttributes(group) }
  },
  ModifyTargetGroupAttributes: ({ dataCentre, params }) => ({
    Attributes: groupAttributes(dataCentre.balancers.modifyTargetGroupAttributes(params.required('TargetGroupArn'), attributesOf(params))),
  }),
  RegisterTargets: ({ dataCentre, params }) => {
    dataCentre.balancers.registerTargets(params.required('TargetGroupArn'), targetsOf(params))
    return {}
  },
  DeregisterTargets: ({ dataCentre, params }) => {
    dataCentre.balancers.deregisterTargets(params.required('TargetGroupArn'), targetsOf(params))
    return {}
  },
  DescribeTargetHealth: describeTargetHealth,
  DescribeTags: ({ dataCentre, params }) => ({
    TagDescriptions: dataCentre.balancers
      .describeTags(params.texts('ResourceArns'))
      .map(({ arn, tags }) => ({ ResourceArn: arn, Tags: tagList(tags) })),
  }),
  AddTags: ({ dataCentre, params }) => {
    dataCentre.balancers.addTags(params.texts('ResourceArns'), tagsOf(params))
    return {}
  },
  RemoveTags: ({ dataCentre, params }) => {
    dataCentre.balancers.removeTags(params.texts('ResourceArns'), params.texts('TagKeys'))
    return {}
  },
}

function createTargetGroup({ dataCentre, params }: Call): XmlObject {
  const type = params.optional('TargetType') ?? 'instance'
  if (type !== 'instance' && type !== 'ip') throw invalidValue(type, 'TargetType')
  const targetType: TargetGroup['targetType'] = type
  const input: CreateTargetGroupInput = compact({
    name: params.required('Name'),
    port: params.requiredInteger('Port'),
    protocol: params.optional('Protocol'),
    targetType,
    healthCheck: healthCheckOf(params),
    tags: tagsOf(params),
  })
  return { TargetGroups: [groupView(dataCentre, dataCentre.balancers.createTargetGroup(input))] }
}

const healthCheckOf = (params: Params): Partial<HealthCheck> =>
  compact({
    protocol: params.optional('HealthCheckProtocol'),
    port: params.optional('HealthCheckPort'),
    path: params.optional('HealthCheckPath'),
    intervalSeconds: params.integer('HealthCheckIntervalSeconds'),
    timeoutSeconds: params.integer('HealthCheckTimeoutSeconds'),
    healthyThreshold: params.integer('HealthyThresholdCount'),
    unhealthyThreshold: params.integer('UnhealthyThresholdCount'),
    matcher: params.child('Matcher')?.optional('HttpCode'),
  })

function targetsOf(params: Params): TargetId[] {
  return params.list('Targets').map((target) => compact({ instanceId: target.required('Id'), port: target.integer('Port') }))
}

function describeTargetHealth({ dataCentre, params }: Call): XmlObject {
  const targetGroupArn = params.required('TargetGroupArn')
  const asked = targetsOf(params)
  const targets = dataCentre.balancers.targetHealth(targetGroupArn, asked.length > 0 ? asked : undefined)
  return { TargetHealthDescriptions: targets.map(healthView) }
}

const healthView = (target: Target): XmlObject => ({
  Target: { Id: target.instanceId, Port: target.port },
  HealthCheckPort: String(target.port),
  TargetHealth: { State: target.health, Reason: target.reason, Description: target.description },
})

function groupView(dataCentre: DataCentre, group: TargetGroup): XmlObject {
  const { healthCheck } = group
  return {
    TargetGroupArn: group.arn,
    TargetGroupName: group.name,
    Protocol: group.protocol,
    Port: group.port,
    VpcId: group.vpcId,
    HealthCheckProtocol: healthCheck.protocol,
    HealthCheckPort: healthCheck.port,
    HealthCheckEnabled: true,
    HealthCheckIntervalSeconds: healthCheck.intervalSeconds,
    HealthCheckTimeoutSeconds: healthCheck.timeoutSeconds,
    HealthyThresholdCount: healthCheck.healthyThreshold,
    UnhealthyThresholdCount: healthCheck.unhealthyThreshold,
    HealthCheckPath: healthCheck.path,
    Matcher: { HttpCode: healthCheck.matcher },
    LoadBalancerArns: dataCentre.balancers.loadBalancersOf(group.arn),
    TargetType: group.targetType,
    ProtocolVersion: 'HTTP1',
    IpAddressType: 'ipv4',
  }
}

const groupAttributes = (group: TargetGroup | undefined): XmlObject[] =>
  group === undefined ? [] : attributeList({ ...group.attributes, 'deregistration_delay.timeout_seconds': String(group.deregistrationDelaySeconds) })
