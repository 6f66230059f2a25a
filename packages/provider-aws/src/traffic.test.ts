import type { InstanceRef, TrafficBinding } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adapterAgainst, contextOf, letTimePass, refTo } from './testing/adapter-under-test.ts'
import { elbAnswer, scriptedEndpoint } from './testing/scripted-endpoint.ts'
import { wireWorld } from './testing/wire-world.ts'
import { VirtualClock } from '@understudy/core'

let world: Awaited<ReturnType<typeof wireWorld>>
let contexts = 0
const context = () => contextOf(`traffic ${contexts++}`, { priority: 'failover' })
const traffic = () => world.provider.traffic! // the adapter has it
const balancers = () => world.server.dataCentre.balancers
const calls = () => world.server.dataCentre.calls

beforeAll(async () => {
  world = await wireWorld()
})
afterAll(async () => {
  await world.close()
})

const native = (binding: TrafficBinding, member: string): string => String(binding.native[member])
const forwardOf = (listenerArn: string) => {
  const [action] = balancers().describeListeners({ listenerArns: [listenerArn] })[0]?.defaultActions ?? []
  if (action?.kind !== 'forward') throw new Error('the listener does not forward')
  return action
}
const weightsOn = (listenerArn: string) =>
  Object.fromEntries(forwardOf(listenerArn).targetGroups.map(({ targetGroupArn, weight }) => [targetGroupArn, weight]))
const registeredIn = (group: string) =>
  balancers()
    .targetHealth(group)
    .filter(({ health }) => health !== 'draining')
    .map(({ instanceId }) => instanceId)
const shares = async (binding: TrafficBinding) =>
  Object.fromEntries((await traffic().state(binding)).map(({ nativeId, weight }) => [nativeId, weight]))

async function healthy(group: string, ref: InstanceRef): Promise<void> {
  while (
    balancers()
      .targetHealth(group)
      .find(({ instanceId }) => instanceId === ref.nativeId)?.health !== 'healthy'
  )
    await world.advance(1_000)
}

async function weighted() {
  const [primary, shadow, other] = await Promise.all([world.makePrimary(), world.makePrimary(), world.makePrimary()])
  const binding = await world.makeBinding('lb-weight', primary)
  const groups = { primary: native(binding, 'primaryTargetGroupArn'), standby: native(binding, 'standbyTargetGroupArn') }
  return { binding, primary, shadow, other, groups, listenerArn: native(binding, 'listenerArn') }
}

describe('weights between two groups', () => {
  it('leave other groups of the listener and its stickiness as they are', async () => {
    const { binding, shadow, groups, listenerArn } = await weighted()
    const third = balancers().createTargetGroup({ name: `third-${contexts}`, port: 80 })
    const { targetGroups } = forwardOf(listenerArn)
    const stickiness = { enabled: true, durationSeconds: 60 }
    balancers().modifyListener({
      listenerArn,
      defaultActions: [{ kind: 'forward', targetGroups: [...targetGroups, { targetGroupArn: third.arn, weight: 7 }], stickiness }],
    })
    await traffic().enrol(binding, shadow, context())
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    expect(weightsOn(listenerArn)).toEqual({ [groups.primary]: 0, [groups.standby]: 100, [third.arn]: 7 })
    expect(forwardOf(listenerArn).stickiness).toEqual(stickiness)
  })

  it('are written once, and not at all when they are there already', async () => {
    const { binding, shadow } = await weighted()
    await traffic().enrol(binding, shadow, context())
    const before = calls().count('ModifyListener')
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    expect(calls().count('ModifyListener') - before).toBe(1)
  })

  it('are changed without reading the group that gets none, when the new member waits healthy', async () => {
    const { binding, primary, shadow, groups } = await weighted()
    await traffic().enrol(binding, shadow, context())
    await healthy(groups.standby, shadow)
    await world.advance(5_000) // until what was read before is no longer recent
    const before = calls().count('DescribeTargetHealth')
    expect(await traffic().health?.(binding, shadow.nativeId)).toBe('healthy')
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    expect(calls().count('DescribeTargetHealth') - before).toBe(1)
    expect(await shares(binding)).toEqual({ [primary.nativeId]: 0, [shadow.nativeId]: 100 })
  })

  it('take a waiting member out of the group that is about to get traffic', async () => {
    const { binding, primary, shadow, other, groups } = await weighted()
    await Promise.all([traffic().enrol(binding, shadow, context()), traffic().enrol(binding, other, context())])
    expect(registeredIn(groups.standby).toSorted()).toEqual([shadow.nativeId, other.nativeId].toSorted())
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    expect(registeredIn(groups.standby)).toEqual([shadow.nativeId])
    await traffic().enrol(binding, other, context())
    expect(registeredIn(groups.primary).toSorted()).toEqual([primary.nativeId, other.nativeId].toSorted())
    expect(await shares(binding)).toMatchObject({ [shadow.nativeId]: 100, [primary.nativeId]: 0 })
  })

  it('may be shared, and are shared equally within a group', async () => {
    const { binding, primary, shadow, other, groups, listenerArn } = await weighted()
    await traffic().enrol(binding, shadow, context())
    await traffic().setWeights(
      binding,
      [
        { ref: primary, weight: 90 },
        { ref: shadow, weight: 10 },
      ],
      context(),
    )
    expect(weightsOn(listenerArn)).toEqual({ [groups.primary]: 90, [groups.standby]: 10 })
    await healthy(groups.standby, shadow)
    expect(await shares(binding)).toEqual({ [primary.nativeId]: 90, [shadow.nativeId]: 10 })
    await expect(traffic().enrol(binding, other, context())).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'NoIdleGroup' } })
    await traffic().setWeights(binding, [], context())
    expect(await shares(binding)).toEqual({ [primary.nativeId]: 0, [shadow.nativeId]: 0 })
  })

  it('are refused for a member that was never enrolled', async () => {
    const { binding, shadow, listenerArn } = await weighted()
    const before = weightsOn(listenerArn)
    await expect(traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())).rejects.toMatchObject({
      shape: { kind: 'conflict', nativeCode: 'NotEnrolled' },
    })
    expect(weightsOn(listenerArn)).toEqual(before)
  })

  it('work where the listener names one group in the short form, and the standby’s not at all', async () => {
    const { binding, primary, shadow, groups, listenerArn } = await weighted()
    balancers().modifyListener({ listenerArn, defaultActions: [{ kind: 'forward', targetGroups: [{ targetGroupArn: groups.primary, weight: 1 }] }] })
    await traffic().enrol(binding, shadow, context())
    expect(weightsOn(listenerArn)).toEqual({ [groups.primary]: 1, [groups.standby]: 0 })
    await healthy(groups.standby, shadow)
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    expect(await shares(binding)).toEqual({ [primary.nativeId]: 0, [shadow.nativeId]: 100 })
  })

  it('work on a rule as on a listener', async () => {
    const { binding, shadow, groups, listenerArn } = await weighted()
    const rule = balancers().createRule({
      listenerArn,
      priority: 10,
      conditions: [{ field: 'path-pattern', values: ['/shop/*'] }],
      actions: [
        {
          kind: 'forward',
          targetGroups: [
            { targetGroupArn: groups.primary, weight: 100 },
            { targetGroupArn: groups.standby, weight: 0 },
          ],
        },
      ],
    })
    const { listenerArn: _instead, ...rest } = binding.native
    const onRule: TrafficBinding = { mechanism: 'lb-weight', native: { ...rest, ruleArn: rule.arn } }
    await traffic().validate(onRule)
    await traffic().enrol(onRule, shadow, context())
    await traffic().setWeights(onRule, [{ ref: shadow, weight: 100 }], context())
    const [changed] = balancers().describeRules({ ruleArns: [rule.arn] })
    expect(changed?.actions).toMatchObject([
      {
        targetGroups: [
          { targetGroupArn: groups.primary, weight: 0 },
          { targetGroupArn: groups.standby, weight: 100 },
        ],
      },
    ])
    expect(weightsOn(listenerArn)).toMatchObject({ [groups.primary]: 100 })
  })

  it('of two resources on one listener do not undo each other', async () => {
    const one = await weighted()
    const two = await weighted()
    const groups = [...forwardOf(one.listenerArn).targetGroups, ...forwardOf(two.listenerArn).targetGroups]
    // A target group belongs to one load balancer at a time.
    balancers().deleteListener(two.listenerArn)
    balancers().modifyListener({ listenerArn: one.listenerArn, defaultActions: [{ kind: 'forward', targetGroups: groups }] })
    const second: TrafficBinding = { mechanism: 'lb-weight', native: { ...two.binding.native, listenerArn: one.listenerArn } }
    await Promise.all([traffic().enrol(one.binding, one.shadow, context()), traffic().enrol(second, two.shadow, context())])
    await Promise.all([
      traffic().setWeights(one.binding, [{ ref: one.shadow, weight: 100 }], context()),
      traffic().setWeights(second, [{ ref: two.shadow, weight: 100 }], context()),
    ])
    expect(weightsOn(one.listenerArn)).toEqual({
      [one.groups.primary]: 0,
      [one.groups.standby]: 100,
      [two.groups.primary]: 0,
      [two.groups.standby]: 100,
    })
  })

  it.each([
    [{ primaryTargetGroupArn: 'arn:a', standbyTargetGroupArn: 'arn:b', port: 80 }, 'exactly one of listenerArn and ruleArn'],
    [
      { listenerArn: 'arn:l', ruleArn: 'arn:r', primaryTargetGroupArn: 'arn:a', standbyTargetGroupArn: 'arn:b', port: 80 },
      'exactly one of listenerArn and ruleArn',
    ],
    [{ listenerArn: 'arn:l', primaryTargetGroupArn: 'arn:a', standbyTargetGroupArn: 'arn:a', port: 80 }, 'must differ'],
    [{ listenerArn: 'arn:l', primaryTargetGroupArn: 'a', standbyTargetGroupArn: 'arn:b', port: 80 }, 'primaryTargetGroupArn must be an ARN'],
    [{ listenerArn: 'arn:l', primaryTargetGroupArn: 'arn:a', standbyTargetGroupArn: 'arn:b', port: 0 }, 'port must be'],
  ])('are not possible with %o', async (broken, message) => {
    await expect(traffic().validate({ mechanism: 'lb-weight', native: broken })).rejects.toThrow(message)
  })

  it('are not possible where nothing is, or where the listener forwards elsewhere', async () => {
    const { binding } = await weighted()
    const { binding: foreign } = await weighted()
    const missing = `${native(binding, 'listenerArn')}0`
    await expect(traffic().validate({ ...binding, native: { ...binding.native, listenerArn: missing } })).rejects.toMatchObject({
      shape: { kind: 'not_found' },
    })
    const elsewhere = { ...binding.native, listenerArn: native(foreign, 'listenerArn') }
    await expect(traffic().validate({ ...binding, native: elsewhere })).rejects.toMatchObject({
      shape: { kind: 'invalid', nativeCode: 'NotForwarding' },
    })
  })
})

describe('members of one group', () => {
  it('stay until the new one is healthy', async () => {
    const [primary, shadow] = await Promise.all([world.makePrimary(), world.makePrimary()])
    const binding = await world.makeBinding('lb-target', primary)
    const group = native(binding, 'targetGroupArn')
    const attempt = () => traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    await expect(attempt()).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'NotHealthyYet' } })
    expect(registeredIn(group).toSorted()).toEqual([primary.nativeId, shadow.nativeId].toSorted())
    await healthy(group, shadow)
    await attempt()
    expect(registeredIn(group)).toEqual([shadow.nativeId])
  })

  it('cannot have unequal shares', async () => {
    const [primary, shadow] = await Promise.all([world.makePrimary(), world.makePrimary()])
    const binding = await world.makeBinding('lb-target', primary)
    const unequal = [
      { ref: primary, weight: 70 },
      { ref: shadow, weight: 30 },
    ]
    await expect(traffic().setWeights(binding, unequal, context())).rejects.toMatchObject({ shape: { kind: 'unsupported' } })
    await traffic().setWeights(
      binding,
      [
        { ref: primary, weight: 50 },
        { ref: shadow, weight: 50 },
      ],
      context(),
    )
    await healthy(native(binding, 'targetGroupArn'), shadow)
    expect(await shares(binding)).toEqual({ [primary.nativeId]: 50, [shadow.nativeId]: 50 })
  })

  it('are registered and looked at together when many ask at once', async () => {
    const members = await Promise.all(Array.from({ length: 12 }, () => world.makePrimary()))
    const binding = await world.makeBinding('lb-target', members[0]!) // twelve were made
    const before = { register: calls().count('RegisterTargets'), health: calls().count('DescribeTargetHealth') }
    await Promise.all(members.map((ref) => traffic().enrol(binding, ref, contextOf('background'))))
    await Promise.all(members.map(() => traffic().state(binding)))
    expect(calls().count('RegisterTargets') - before.register).toBe(1)
    expect(calls().count('DescribeTargetHealth') - before.health).toBe(1)
  })
})

describe('an address', () => {
  it('belongs to one, moves in one call, and can be released', async () => {
    const [primary, shadow] = await Promise.all([world.makePrimary(), world.makePrimary()])
    const binding = await world.makeBinding('address-move', primary)
    const both = [
      { ref: primary, weight: 50 },
      { ref: shadow, weight: 50 },
    ]
    await expect(traffic().setWeights(binding, both, context())).rejects.toMatchObject({ shape: { kind: 'unsupported' } })
    const before = calls().count('AssociateAddress')
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    await traffic().setWeights(binding, [{ ref: shadow, weight: 100 }], context())
    expect(calls().count('AssociateAddress') - before).toBe(1)
    await traffic().remove(binding, primary, context())
    expect(await shares(binding)).toEqual({ [shadow.nativeId]: 100 })
    await traffic().setWeights(binding, [], context())
    expect(await shares(binding)).toEqual({})
  })
})

describe('what a listener does besides forwarding', () => {
  const listenerXml = (weights: readonly [number, number]) =>
    `<Listeners><member><ListenerArn>arn:l</ListenerArn><DefaultActions>
      <member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig><Issuer>https://id</Issuer><ClientId>c</ClientId></AuthenticateOidcConfig></member>
      <member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>
        <member><TargetGroupArn>arn:a</TargetGroupArn><Weight>${weights[0]}</Weight></member><member><TargetGroupArn>arn:b</TargetGroupArn><Weight>${weights[1]}</Weight></member>
      </TargetGroups></ForwardConfig></member></DefaultActions></member></Listeners>`
  const health = (id: string) =>
    `<TargetHealthDescriptions><member><Target><Id>${id}</Id><Port>80</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member></TargetHealthDescriptions>`
  const binding: TrafficBinding = {
    mechanism: 'lb-weight',
    native: { listenerArn: 'arn:l', primaryTargetGroupArn: 'arn:a', standbyTargetGroupArn: 'arn:b', port: 80 },
  }

  async function scripted(read: (describes: number, modifies: number) => readonly [number, number]) {
    const clock = new VirtualClock()
    let [describes, modifies] = [0, 0]
    const endpoint = await scriptedEndpoint(({ action, params }) => {
      if (action === 'DescribeListeners') describes += 1
      if (action === 'ModifyListener') modifies += 1
      if (action === 'DescribeTargetHealth') return elbAnswer(action, health(params.get('TargetGroupArn') === 'arn:a' ? 'i-1' : 'i-2'))
      return elbAnswer(action, listenerXml(read(describes, modifies)))
    })
    const provider = adapterAgainst(endpoint.url, { clock })
    const close = async (): Promise<void> => {
      await provider.close()
      await endpoint.close()
    }
    const shift = () => letTimePass(clock, provider.traffic!.setWeights(binding, [{ ref: refTo('i-2'), weight: 100 }], context())) // the adapter has it
    return { endpoint, shift, close }
  }

  it('is sent back as it was read, keeping the secret that is never read', async () => {
    const { endpoint, shift, close } = await scripted((_describes, modifies) => (modifies === 0 ? [100, 0] : [0, 100]))
    await shift()
    const [write] = endpoint.of('ModifyListener')
    const sent = Object.fromEntries(write?.params ?? [])
    expect(sent).toMatchObject({
      'DefaultActions.member.1.Type': 'authenticate-oidc',
      'DefaultActions.member.1.AuthenticateOidcConfig.ClientId': 'c',
      'DefaultActions.member.1.AuthenticateOidcConfig.UseExistingClientSecret': 'true',
      'DefaultActions.member.2.Type': 'forward',
      'DefaultActions.member.2.ForwardConfig.TargetGroups.member.1.Weight': '0',
      'DefaultActions.member.2.ForwardConfig.TargetGroups.member.2.Weight': '100',
    })
    await close()
  })

  it('is written again when somebody else has undone it, and given up when they insist', async () => {
    const once = await scripted((_describes, modifies) => (modifies < 2 ? [100, 0] : [0, 100]))
    await once.shift()
    expect(once.endpoint.of('ModifyListener')).toHaveLength(2)
    await once.close()
    const always = await scripted(() => [100, 0])
    await expect(always.shift()).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'ListenerChanged' } })
    expect(always.endpoint.of('ModifyListener')).toHaveLength(3)
    await always.close()
  })
})
