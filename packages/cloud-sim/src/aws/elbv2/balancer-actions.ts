import type { DataCentre } from '../../datacentre/datacentre.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import type { Listener, LoadBalancer, Rule, RuleCondition } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { invalidValue } from '../fault.ts'
import type { Params } from '../params.ts'
import { actionsOf, actionViews, pageOf, tagsOf } from './common.ts'

export const balancerActions: ActionTable = {
  CreateLoadBalancer: createLoadBalancer,
  DescribeLoadBalancers: ({ dataCentre, params }) => {
    const page = pageOf(
      dataCentre.balancers.describeLoadBalancers(compact({ arns: some(params.texts('LoadBalancerArns')), names: some(params.texts('Names')) })),
      params,
    )
    return { LoadBalancers: page.items.map((balancer) => balancerView(dataCentre, balancer)), NextMarker: page.NextMarker }
  },
  DeleteLoadBalancer: ({ dataCentre, params }) => {
    dataCentre.balancers.deleteLoadBalancer(params.required('LoadBalancerArn'))
    return {}
  },
  DescribeLoadBalancerAttributes: ({ dataCentre, params }) => {
    const [balancer] = dataCentre.balancers.describeLoadBalancers({ arns: [params.required('LoadBalancerArn')] })
    return { Attributes: attributeList(balancer?.attributes ?? {}) }
  },
  ModifyLoadBalancerAttributes: ({ dataCentre, params }) => {
    const balancer = dataCentre.balancers.modifyLoadBalancerAttributes(params.required('LoadBalancerArn'), attributesOf(params))
    return { Attributes: attributeList(balancer.attributes) }
  },
  CreateListener: ({ dataCentre, params }) => {
    const listener = dataCentre.balancers.createListener(
      compact({
        loadBalancerArn: params.required('LoadBalancerArn'),
        port: params.requiredInteger('Port'),
        protocol: params.optional('Protocol'),
        defaultActions: actionsOf(params, 'DefaultActions'),
        tags: tagsOf(params),
      }),
    )
    return { Listeners: [listenerView(listener)] }
  },
  DescribeListeners: ({ dataCentre, params }) => {
    const query = compact({ loadBalancerArn: params.optional('LoadBalancerArn'), listenerArns: some(params.texts('ListenerArns')) })
    if (query.loadBalancerArn === undefined && query.listenerArns === undefined)
      throw new SimError('ValidationError', 'You must specify either listener ARNs or a load balancer ARN')
    const page = pageOf(dataCentre.balancers.describeListeners(query), params)
    return { Listeners: page.items.map(listenerView), NextMarker: page.NextMarker }
  },
  ModifyListener: ({ dataCentre, params }) => {
    const actions = actionsOf(params, 'DefaultActions')
    const listener = dataCentre.balancers.modifyListener(
      compact({
        listenerArn: params.required('ListenerArn'),
        port: params.integer('Port'),
        protocol: params.optional('Protocol'),
        defaultActions: some(actions),
      }),
    )
    return { Listeners: [listenerView(listener)] }
  },
  DeleteListener: ({ dataCentre, params }) => {
    dataCentre.balancers.deleteListener(params.required('ListenerArn'))
    return {}
  },
  CreateRule: ({ dataCentre, params }) => {
    const rule = dataCentre.balancers.createRule({
      listenerArn: params.required('ListenerArn'),
      priority: params.requiredInteger('Priority'),
      conditions: conditionsOf(params),
      actions: actionsOf(params, 'Actions'),
      tags: tagsOf(params),
    })
    return { Rules: [ruleView(rule)] }
  },
  DescribeRules: describeRules,
  ModifyRule: ({ dataCentre, params }) => {
    const rule = dataCentre.balancers.modifyRule(
      compact({ ruleArn: params.required('RuleArn'), conditions: some(conditionsOf(params)), actions: some(actionsOf(params, 'Actions')) }),
    )
    return { Rules: [ruleView(rule)] }
  },
  DeleteRule: ({ dataCentre, params }) => {
    dataCentre.balancers.deleteRule(params.required('RuleArn'))
    return {}
  },
}

function createLoadBalancer({ dataCentre, params }: Call): XmlObject {
  const type = params.optional('Type') ?? 'application'
  if (type !== 'application' && type !== 'network') throw invalidValue(type, 'Type')
  const kind: LoadBalancer['kind'] = type
  const subnets = [...params.texts('Subnets'), ...params.list('SubnetMappings').map((mapping) => mapping.required('SubnetId'))]
  const balancer = dataCentre.balancers.createLoadBalancer(
    compact({ name: params.required('Name'), kind, subnetIds: some(subnets), tags: tagsOf(params) }),
  )
  return { LoadBalancers: [balancerView(dataCentre, balancer)] }
}

/** The default rule is the listener's own default actions and comes last. */
function describeRules({ dataCentre, params }: Call): XmlObject {
  const ruleArns = some(params.texts('RuleArns'))
  const listenerArn = params.optional('ListenerArn')
  if (ruleArns === undefined && listenerArn === undefined) throw new SimError('ValidationError', 'You must specify either listener ARN or rule ARNs')
  const rules = dataCentre.balancers.describeRules(compact({ listenerArn, ruleArns }))
  const views = rules.toSorted((a, b) => a.priority - b.priority).map(ruleView)
  const [listener] = listenerArn === undefined ? [] : dataCentre.balancers.describeListeners({ listenerArns: [listenerArn] })
  if (listener !== undefined) views.push(defaultRuleView(listener))
  const page = pageOf(views, params)
  return { Rules: page.items, NextMarker: page.NextMarker }
}

function balancerView(dataCentre: DataCentre, balancer: LoadBalancer): XmlObject {
  const zoneOf = (subnetId: string): string => dataCentre.network.describeSubnets({ ids: [subnetId] }).items[0]?.zone ?? ''
  return {
    LoadBalancerArn: balancer.arn,
    LoadBalancerName: balancer.name,
    DNSName: balancer.dnsName,
    CanonicalHostedZoneId: 'Z32O12XQLNTSW2',
    CreatedTime: new Date(balancer.createdAtMs),
    Scheme: balancer.scheme,
    VpcId: balancer.vpcId,
    State: { Code: balancer.state },
    Type: balancer.kind,
    AvailabilityZones: balancer.subnetIds.map((SubnetId) => ({ ZoneName: zoneOf(SubnetId), SubnetId, LoadBalancerAddresses: [] })),
    SecurityGroups: balancer.securityGroupIds,
    IpAddressType: 'ipv4',
  }
}

const listenerView = (listener: Listener): XmlObject => ({
  ListenerArn: listener.arn,
  LoadBalancerArn: listener.loadBalancerArn,
  Port: listener.port,
  Protocol: listener.protocol,
  DefaultActions: actionViews(listener.defaultActions),
})

function ruleView(rule: Rule): XmlObject {
  return {
    RuleArn: rule.arn,
    Priority: String(rule.priority),
    Conditions: rule.conditions.map(({ field, values }) => ({
      Field: field,
      Values: values,
      ...(field === 'host-header' ? { HostHeaderConfig: { Values: values } } : { PathPatternConfig: { Values: values } }),
    })),
    Actions: actionViews(rule.actions),
    IsDefault: false,
  }
}

const defaultRuleView = (listener: Listener): XmlObject => ({
  RuleArn: `${listener.arn.replace(':listener/', ':listener-rule/')}/0000000000000000`,
  Priority: 'default',
  Conditions: [],
  Actions: actionViews(listener.defaultActions),
  IsDefault: true,
})

function conditionsOf(params: Params): RuleCondition[] {
  return params.list('Conditions').map((condition) => {
    const hosts = condition.child('HostHeaderConfig')
    const paths = condition.child('PathPatternConfig')
    const field = condition.optional('Field') ?? (hosts ? 'host-header' : 'path-pattern')
    if (field !== 'host-header' && field !== 'path-pattern')
      throw invalidValue(field, 'Field', 'The simulated load balancer knows host-header and path-pattern.')
    return { field, values: [...condition.texts('Values'), ...(hosts?.texts('Values') ?? []), ...(paths?.texts('Values') ?? [])] }
  })
}

export const attributeList = (attributes: Readonly<Record<string, string>>): XmlObject[] =>
  Object.entries(attributes).map(([Key, Value]) => ({ Key, Value }))

export const attributesOf = (params: Params): Record<string, string> =>
  Object.fromEntries(params.list('Attributes').map((attribute) => [attribute.required('Key'), attribute.optional('Value') ?? '']))

export const some = <T>(items: readonly T[]): readonly T[] | undefined => (items.length > 0 ? items : undefined)
