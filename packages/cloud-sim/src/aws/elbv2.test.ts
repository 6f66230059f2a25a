import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteListenerCommand,
  DeregisterTargetsCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { seededImages } from '../datacentre/fixtures.ts'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
let elb: ElasticLoadBalancingV2Client
const ids: string[] = []

beforeAll(async () => {
  server = await startSimServer({ speed: 100, listeners: false })
  elb = new ElasticLoadBalancingV2Client({ endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1 })
  const { instances } = server.dataCentre.instances.run({ imageId: seededImages.ubuntu, instanceType: 'm7i.large', minCount: 2, maxCount: 2 })
  ids.push(...instances.map((instance) => instance.instanceId))
  await vi.waitFor(() => expect(ids.every((id) => server.dataCentre.instances.get(id)?.answering)).toBe(true), { timeout: 60_000 })
})
afterAll(async () => {
  elb.destroy()
  await server.close()
})

const [primary, shadow] = [() => ids[0] ?? '', () => ids[1] ?? '']
const refused = (name: string) => expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode: 400 }) })
const newGroup = async (Name: string): Promise<string> => {
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({
      Name,
      Port: 8080,
      Protocol: 'HTTP',
      HealthCheckIntervalSeconds: 5,
      HealthyThresholdCount: 2,
      HealthCheckPath: '/healthz',
      Tags: [{ Key: 'Name', Value: Name }],
    }),
  )
  return TargetGroups?.[0]?.TargetGroupArn ?? ''
}
const health = async (TargetGroupArn: string) => {
  const { TargetHealthDescriptions = [] } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }))
  return TargetHealthDescriptions.map((description) => [description.Target?.Id, description.TargetHealth?.State])
}

describe('a load balancer', () => {
  it('is created, found by name, and forwards by weights that one call flips', async () => {
    const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: 'web', Tags: [{ Key: 'team', Value: 'blue' }] }))
    const LoadBalancerArn = LoadBalancers?.[0]?.LoadBalancerArn ?? ''
    expect((await elb.send(new DescribeLoadBalancersCommand({ Names: ['web'] }))).LoadBalancers?.[0]).toMatchObject({
      LoadBalancerArn,
      Type: 'application',
    })
    const tags = await elb.send(new DescribeTagsCommand({ ResourceArns: [LoadBalancerArn] }))
    expect(tags.TagDescriptions).toEqual([{ ResourceArn: LoadBalancerArn, Tags: [{ Key: 'team', Value: 'blue' }] }])
    const [a, b] = [await newGroup('web-a'), await newGroup('web-b')]
    const { Listeners } = await elb.send(
      new CreateListenerCommand({
        LoadBalancerArn,
        Port: 80,
        Protocol: 'HTTP',
        DefaultActions: [
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn: a, Weight: 999 },
                { TargetGroupArn: b, Weight: 0 },
              ],
            },
          },
        ],
      }),
    )
    const ListenerArn = Listeners?.[0]?.ListenerArn ?? ''
    await elb.send(
      new ModifyListenerCommand({
        ListenerArn,
        DefaultActions: [
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn: a, Weight: 0 },
                { TargetGroupArn: b, Weight: 100 },
              ],
              TargetGroupStickinessConfig: { Enabled: false },
            },
          },
        ],
      }),
    )
    const shown = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }))
    expect(shown.Listeners?.[0]?.DefaultActions?.[0]?.ForwardConfig?.TargetGroups).toEqual([
      { TargetGroupArn: a, Weight: 0 },
      { TargetGroupArn: b, Weight: 100 },
    ])
    const groups = await elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn }))
    expect(groups.TargetGroups?.map((group) => [group.TargetGroupArn, group.LoadBalancerArns])).toEqual([
      [a, [LoadBalancerArn]],
      [b, [LoadBalancerArn]],
    ])
    await elb.send(new DeleteListenerCommand({ ListenerArn }))
    await expect(elb.send(new DescribeListenersCommand({ ListenerArns: [ListenerArn] }))).rejects.toEqual(refused('ListenerNotFoundException'))
  })

  it('refuses a weight above 999 and an unknown group', async () => {
    const listener = server.dataCentre.balancers.createListener({
      loadBalancerArn: server.dataCentre.balancers.createLoadBalancer({ name: 'weights' }).arn,
      port: 80,
      defaultActions: [{ kind: 'fixed-response', statusCode: '200' }],
    })
    const modify = (TargetGroupArn: string, Weight: number) =>
      elb.send(
        new ModifyListenerCommand({
          ListenerArn: listener.arn,
          DefaultActions: [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn, Weight }] } }],
        }),
      )
    await expect(modify(await newGroup('heavy'), 1000)).rejects.toEqual(refused('InvalidParameterValue'))
    await expect(modify('arn:aws:elasticloadbalancing:sim-east-1:123456789012:targetgroup/none/0', 1)).rejects.toEqual(
      refused('TargetGroupNotFoundException'),
    )
  })

  it('has rules before its default, whose weights can be changed alone', async () => {
    const { arn: LoadBalancerArn } = server.dataCentre.balancers.createLoadBalancer({ name: 'rules' })
    const [a, b] = [await newGroup('rules-a'), await newGroup('rules-b')]
    const { Listeners } = await elb.send(
      new CreateListenerCommand({ LoadBalancerArn, Port: 80, Protocol: 'HTTP', DefaultActions: [{ Type: 'forward', TargetGroupArn: a }] }),
    )
    const ListenerArn = Listeners?.[0]?.ListenerArn ?? ''
    const { Rules } = await elb.send(
      new CreateRuleCommand({
        ListenerArn,
        Priority: 5,
        Conditions: [{ Field: 'path-pattern', Values: ['/api/*'] }],
        Actions: [{ Type: 'forward', TargetGroupArn: a }],
      }),
    )
    const RuleArn = Rules?.[0]?.RuleArn ?? ''
    await elb.send(
      new ModifyRuleCommand({ RuleArn, Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: b, Weight: 7 }] } }] }),
    )
    const shown = await elb.send(new DescribeRulesCommand({ ListenerArn }))
    expect(shown.Rules?.map((rule) => [rule.Priority, rule.IsDefault, rule.Actions?.[0]?.ForwardConfig?.TargetGroups])).toEqual([
      ['5', false, [{ TargetGroupArn: b, Weight: 7 }]],
      ['default', true, [{ TargetGroupArn: a, Weight: 1 }]],
    ])
  })
})

describe('targets', () => {
  it('become healthy after their checks, and drain for the whole delay when they are taken out', async () => {
    const group = await newGroup('drain')
    const { arn: loadBalancerArn } = server.dataCentre.balancers.createLoadBalancer({ name: 'drain' })
    server.dataCentre.balancers.createListener({
      loadBalancerArn,
      port: 80,
      defaultActions: [{ kind: 'forward', targetGroups: [{ targetGroupArn: group, weight: 1 }] }],
    })
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: primary() }, { Id: shadow(), Port: 9090 }] }))
    await vi.waitFor(
      async () =>
        expect(await health(group)).toEqual([
          [primary(), 'healthy'],
          [shadow(), 'healthy'],
        ]),
      { timeout: 60_000 },
    )
    await elb.send(
      new ModifyTargetGroupAttributesCommand({ TargetGroupArn: group, Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '200' }] }),
    )
    const { Attributes } = await elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: group }))
    expect(Attributes).toContainEqual({ Key: 'deregistration_delay.timeout_seconds', Value: '200' })
    await elb.send(new DeregisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: primary() }] }))
    expect(await health(group)).toContainEqual([primary(), 'draining'])
    await vi.waitFor(async () => expect(await health(group)).toEqual([[shadow(), 'healthy']]), { timeout: 60_000 })
  })

  it('are unused in a group that no listener forwards to, and when they were never registered', async () => {
    const group = await newGroup('unused')
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: primary() }] }))
    expect(await health(group)).toEqual([[primary(), 'unused']])
    const { TargetHealthDescriptions } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group, Targets: [{ Id: shadow() }] }))
    expect(TargetHealthDescriptions?.[0]?.TargetHealth).toMatchObject({ State: 'unused', Reason: 'Target.NotRegistered' })
    // Taking out one that is not in is no error.
    await elb.send(new DeregisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: shadow() }] }))
  })

  it('must exist', async () => {
    const group = await newGroup('strangers')
    await expect(elb.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: 'i-0123456789abcdef0' }] }))).rejects.toEqual(
      refused('InvalidTargetException'),
    )
  })
})
