import type { Random } from '@understudy/core'
import type { BalancerApi, Choice, TargetId } from './api.ts'
import { chooseTarget, type Request } from './choose-target.ts'
import type { Probe } from './datacentre.ts'
import type { Network } from './network.ts'
import { SimError } from './sim-error.ts'
import { checkName, TargetGroups } from './target-groups.ts'
import { Targets } from './targets.ts'
import type { Action, Listener, LoadBalancer, Rule, Tags, Target, TargetGroup } from './types.ts'
import type { World } from './world.ts'

/** Load balancers, their listeners and rules, and which groups these use. */
export class Balancers implements BalancerApi {
  readonly #world: World
  readonly #network: Network
  readonly #groups: TargetGroups
  readonly #targets: Targets
  /** Listeners and rules that forward to a group, whatever the weight. Derived. */
  readonly #users = new Map<string, Set<string>>()
  /** Rules of a listener in the order of their priority. Derived. */
  readonly #rulesOf = new Map<string, readonly Rule[]>()

  constructor(world: World, network: Network) {
    this.#world = world
    this.#network = network
    this.#groups = new TargetGroups(world, network)
    for (const listener of world.state.listeners.values()) this.#use(listener.arn, [], listener.defaultActions)
    for (const rule of world.state.rules.values()) this.#use(rule.arn, [], rule.actions)
    this.#targets = new Targets(world, (arn) => (this.#users.get(arn)?.size ?? 0) > 0)
    world.timers.on('load-balancer.active', (timer) => {
      const balancer = world.state.loadBalancers.get(timer.subject)
      if (balancer) balancer.state = 'active'
    })
  }

  createLoadBalancer(input: Parameters<BalancerApi['createLoadBalancer']>[0]): LoadBalancer {
    for (const balancer of this.#world.state.loadBalancers.values()) {
      if (balancer.name === input.name)
        throw new SimError('DuplicateLoadBalancerName', 'A load balancer with the same name already exists, but with different settings')
    }
    checkName(input.name)
    const world = this.#world
    const kind = input.kind ?? 'application'
    const vpcId = this.#network.defaultVpc().vpcId
    const subnetIds = input.subnetIds ?? [...world.state.subnets.values()].filter((subnet) => subnet.vpcId === vpcId).map((subnet) => subnet.subnetId)
    const subnets = subnetIds.map((id) => this.#network.needSubnet(id))
    const tail = world.hex(16)
    const balancer: LoadBalancer = {
      arn: world.arn('elasticloadbalancing', `loadbalancer/${kind === 'application' ? 'app' : 'net'}/${input.name}/${tail}`),
      name: input.name,
      dnsName: `${input.name}-${tail.slice(0, 10)}.${world.region}.elb.amazonaws.com`,
      kind,
      scheme: 'internet-facing',
      vpcId: subnets[0]?.vpcId ?? vpcId,
      subnetIds: [...subnetIds],
      securityGroupIds: kind === 'application' ? this.#network.defaultGroup(vpcId) : [],
      state: 'provisioning',
      createdAtMs: world.now(),
      attributes: {},
      tags: { ...input.tags },
    }
    world.state.loadBalancers.set(balancer.arn, balancer)
    world.timers.after(world.draw(world.latencies.loadBalancerCreate), 'load-balancer.active', balancer.arn, 0)
    world.emit({ kind: 'load_balancer_changed', loadBalancerArn: balancer.arn, deleted: false })
    return balancer
  }

  deleteLoadBalancer(arn: string): void {
    if (!this.#world.state.loadBalancers.has(arn)) return
    for (const listener of this.describeListeners({ loadBalancerArn: arn })) this.deleteListener(listener.arn)
    this.#world.state.loadBalancers.delete(arn)
    this.#world.emit({ kind: 'load_balancer_changed', loadBalancerArn: arn, deleted: true })
  }

  describeLoadBalancers(query: { readonly arns?: readonly string[]; readonly names?: readonly string[] } = {}): readonly LoadBalancer[] {
    const { loadBalancers } = this.#world.state
    if (query.arns?.length) return query.arns.map((arn) => this.#needBalancer(arn))
    const all = [...loadBalancers.values()]
    if (!query.names?.length) return all
    return query.names.map((name) => {
      const found = all.find((balancer) => balancer.name === name)
      if (!found) throw new SimError('LoadBalancerNotFound', `Load balancers '[${name}]' not found`)
      return found
    })
  }

  createListener(input: Parameters<BalancerApi['createListener']>[0]): Listener {
    const balancer = this.#needBalancer(input.loadBalancerArn)
    if (this.describeListeners({ loadBalancerArn: balancer.arn }).some((listener) => listener.port === input.port)) {
      throw new SimError('DuplicateListener', 'A listener already exists on this port for this load balancer')
    }
    const arn = `${balancer.arn.replace(':loadbalancer/', ':listener/')}/${this.#world.hex(16)}`
    this.#checkActions(input.defaultActions, balancer.arn)
    const listener: Listener = {
      arn,
      loadBalancerArn: balancer.arn,
      port: input.port,
      protocol: input.protocol ?? (balancer.kind === 'application' ? 'HTTP' : 'TCP'),
      defaultActions: structuredClone([...input.defaultActions]),
      tags: { ...input.tags },
    }
    this.#world.state.listeners.set(arn, listener)
    this.#use(arn, [], listener.defaultActions)
    this.#tellListener(arn, false)
    return listener
  }

  modifyListener(input: Parameters<BalancerApi['modifyListener']>[0]): Listener {
    const listener = this.#needListener(input.listenerArn)
    if (input.defaultActions) {
      this.#checkActions(input.defaultActions, listener.loadBalancerArn)
      const before = listener.defaultActions
      this.#keepFormer(listener, before)
      listener.defaultActions = structuredClone([...input.defaultActions])
      this.#use(listener.arn, before, listener.defaultActions)
    }
    if (input.port !== undefined) listener.port = input.port
    if (input.protocol !== undefined) listener.protocol = input.protocol
    this.#tellListener(listener.arn, false)
    return listener
  }

  deleteListener(arn: string): void {
    const listener = this.#needListener(arn)
    for (const rule of this.#rules(arn)) this.deleteRule(rule.arn)
    this.#world.state.listeners.delete(arn)
    this.#rulesOf.delete(arn)
    this.#use(arn, listener.defaultActions, [])
    this.#tellListener(arn, true)
  }

  describeListeners(query: { readonly loadBalancerArn?: string; readonly listenerArns?: readonly string[] }): readonly Listener[] {
    if (query.listenerArns?.length) return query.listenerArns.map((arn) => this.#needListener(arn))
    if (query.loadBalancerArn !== undefined) this.#needBalancer(query.loadBalancerArn)
    return [...this.#world.state.listeners.values()].filter(
      (listener) => query.loadBalancerArn === undefined || listener.loadBalancerArn === query.loadBalancerArn,
    )
  }

  createRule(input: Parameters<BalancerApi['createRule']>[0]): Rule {
    const listener = this.#needListener(input.listenerArn)
    if (!Number.isInteger(input.priority) || input.priority < 1 || input.priority > 50_000) {
      throw new SimError('ValidationError', `Priority '${input.priority}' must be between 1 and 50000`)
    }
    if (this.#rules(listener.arn).some((rule) => rule.priority === input.priority))
      throw new SimError('PriorityInUse', `Priority '${input.priority}' is currently in use`)
    this.#checkActions(input.actions, listener.loadBalancerArn)
    const rule: Rule = {
      arn: `${listener.arn.replace(':listener/', ':listener-rule/')}/${this.#world.hex(16)}`,
      listenerArn: listener.arn,
      priority: input.priority,
      conditions: structuredClone([...input.conditions]),
      actions: structuredClone([...input.actions]),
      tags: { ...input.tags },
    }
    this.#world.state.rules.set(rule.arn, rule)
    this.#rulesOf.delete(listener.arn)
    this.#use(rule.arn, [], rule.actions)
    this.#tellListener(listener.arn, false)
    return rule
  }

  modifyRule(input: Parameters<BalancerApi['modifyRule']>[0]): Rule {
    const rule = this.#needRule(input.ruleArn)
    if (input.actions) {
      this.#checkActions(input.actions, this.#needListener(rule.listenerArn).loadBalancerArn)
      const before = rule.actions
      this.#keepFormer(rule, before)
      rule.actions = structuredClone([...input.actions])
      this.#use(rule.arn, before, rule.actions)
    }
    if (input.conditions) rule.conditions = structuredClone([...input.conditions])
    this.#tellListener(rule.listenerArn, false)
    return rule
  }

  deleteRule(arn: string): void {
    const rule = this.#needRule(arn)
    this.#world.state.rules.delete(arn)
    this.#rulesOf.delete(rule.listenerArn)
    this.#use(arn, rule.actions, [])
    this.#tellListener(rule.listenerArn, false)
  }

  describeRules(query: { readonly listenerArn?: string; readonly ruleArns?: readonly string[] }): readonly Rule[] {
    if (query.ruleArns?.length) return query.ruleArns.map((arn) => this.#needRule(arn))
    return query.listenerArn === undefined ? [...this.#world.state.rules.values()] : this.#rules(this.#needListener(query.listenerArn).arn)
  }

  createTargetGroup(input: Parameters<BalancerApi['createTargetGroup']>[0]): TargetGroup {
    return this.#groups.create(input)
  }

  modifyTargetGroup(input: Parameters<BalancerApi['modifyTargetGroup']>[0]): TargetGroup {
    return this.#groups.modify(input)
  }

  deleteTargetGroup(arn: string): void {
    if ((this.#users.get(arn)?.size ?? 0) > 0)
      throw new SimError('ResourceInUse', `Target group '${arn}' is currently in use by a listener or a rule`)
    this.#targets.forgetGroup(arn)
    this.#groups.delete(arn)
  }

  describeTargetGroups(query: Parameters<BalancerApi['describeTargetGroups']>[0] = {}): readonly TargetGroup[] {
    const found = this.#groups.describe(query)
    const { loadBalancerArn } = query
    return loadBalancerArn === undefined ? found : found.filter((group) => this.loadBalancersOf(group.arn).includes(loadBalancerArn))
  }

  modifyTargetGroupAttributes(targetGroupArn: string, attributes: Readonly<Record<string, string>>): TargetGroup {
    return this.#groups.modifyAttributes(targetGroupArn, attributes)
  }

  modifyLoadBalancerAttributes(loadBalancerArn: string, attributes: Readonly<Record<string, string>>): LoadBalancer {
    const balancer = this.#needBalancer(loadBalancerArn)
    balancer.attributes = { ...balancer.attributes, ...attributes }
    return balancer
  }

  loadBalancersOf(targetGroupArn: string): readonly string[] {
    const balancers = [...(this.#users.get(targetGroupArn) ?? [])].map((arn) => this.#balancerOf(arn))
    return [...new Set(balancers.filter((arn) => arn !== undefined))]
  }

  registerTargets(targetGroupArn: string, targets: readonly TargetId[]): void {
    this.#targets.register(this.#groups.need(targetGroupArn), targets)
  }

  deregisterTargets(targetGroupArn: string, targets: readonly TargetId[]): void {
    this.#targets.deregister(this.#groups.need(targetGroupArn), targets)
  }

  targetHealth(targetGroupArn: string, targets?: readonly TargetId[]): readonly Target[] {
    return this.#targets.health(this.#groups.need(targetGroupArn), targets)
  }

  choose(listenerArn: string, random: Random, request: Request = {}): Choice {
    return chooseTarget(this.#needListener(listenerArn), this.#rules(listenerArn), this.#world.now(), (arn) => this.#targets.of(arn), random, request)
  }

  addTags(arns: readonly string[], tags: Tags): void {
    for (const record of arns.map((arn) => this.#needAny(arn))) record.tags = { ...record.tags, ...tags }
  }

  removeTags(arns: readonly string[], keys: readonly string[]): void {
    for (const record of arns.map((arn) => this.#needAny(arn))) {
      record.tags = Object.fromEntries(Object.entries(record.tags).filter(([key]) => !keys.includes(key)))
    }
  }

  describeTags(arns: readonly string[]): readonly { readonly arn: string; readonly tags: Tags }[] {
    return arns.map((arn) => ({ arn, tags: this.#needAny(arn).tags }))
  }

  setProbe(probe: Probe | undefined): void {
    this.#targets.setProbe(probe)
  }

  wakeTargets(): void {
    this.#targets.wakeForgotten()
  }

  #keepFormer(entry: Listener | Rule, actions: Action[]): void {
    const delayMs = this.#world.draw(this.#world.latencies.listenerPropagation)
    if (delayMs > 0) entry.former = { actions, untilMs: this.#world.now() + delayMs }
  }

  #checkActions(actions: readonly Action[], loadBalancerArn: string): void {
    if (actions.length === 0) throw new SimError('ValidationError', 'At least one action must be specified')
    for (const action of actions) {
      if (action.kind !== 'forward') continue
      if (action.targetGroups.length < 1 || action.targetGroups.length > 5)
        throw new SimError('ValidationError', 'A forward action takes 1 to 5 target groups')
      for (const { targetGroupArn, weight } of action.targetGroups) {
        this.#groups.need(targetGroupArn)
        if (!Number.isInteger(weight) || weight < 0 || weight > 999)
          throw new SimError('ValidationError', `The weight '${weight}' must be between 0 and 999`)
        if (this.loadBalancersOf(targetGroupArn).some((arn) => arn !== loadBalancerArn)) {
          throw new SimError(
            'TargetGroupAssociationLimit',
            `The following target groups cannot be associated with more than one load balancer: ${targetGroupArn}`,
          )
        }
      }
    }
  }

  /** Keeps who uses which group, and lets the targets of groups that enter or leave use know. */
  #use(user: string, before: readonly Action[], after: readonly Action[]): void {
    const left = groupsOf(before)
    const entered = groupsOf(after)
    for (const arn of left) if (!entered.has(arn)) this.#users.get(arn)?.delete(user)
    for (const arn of entered) this.#users.set(arn, (this.#users.get(arn) ?? new Set()).add(user))
    // Not set yet while the constructor rebuilds this index; the stored health is right as it is.
    for (const arn of new Set([...left, ...entered])) if (left.has(arn) !== entered.has(arn)) this.#targets?.usageChanged(arn)
  }

  #rules(listenerArn: string): readonly Rule[] {
    let rules = this.#rulesOf.get(listenerArn)
    if (!rules) {
      rules = [...this.#world.state.rules.values()].filter((rule) => rule.listenerArn === listenerArn).toSorted((a, b) => a.priority - b.priority)
      this.#rulesOf.set(listenerArn, rules)
    }
    return rules
  }

  #balancerOf(user: string): string | undefined {
    const listenerArn = this.#world.state.rules.get(user)?.listenerArn ?? user
    return this.#world.state.listeners.get(listenerArn)?.loadBalancerArn
  }

  #tellListener(listenerArn: string, deleted: boolean): void {
    this.#world.emit({ kind: 'listener_changed', listenerArn, deleted })
  }

  #needBalancer(arn: string): LoadBalancer {
    const balancer = this.#world.state.loadBalancers.get(arn)
    if (!balancer) throw new SimError('LoadBalancerNotFound', `Load balancer '${arn}' not found`)
    return balancer
  }

  #needListener(arn: string): Listener {
    const listener = this.#world.state.listeners.get(arn)
    if (!listener) throw new SimError('ListenerNotFound', `One or more listeners not found: ${arn}`)
    return listener
  }

  #needRule(arn: string): Rule {
    const rule = this.#world.state.rules.get(arn)
    if (!rule) throw new SimError('RuleNotFound', `One or more rules not found: ${arn}`)
    return rule
  }

  #needAny(arn: string): { tags: Tags } {
    const { loadBalancers, listeners, rules, targetGroups } = this.#world.state
    const record = loadBalancers.get(arn) ?? listeners.get(arn) ?? rules.get(arn) ?? targetGroups.get(arn)
    if (record) return record
    if (arn.includes(':targetgroup/')) return this.#groups.need(arn)
    return arn.includes(':listener-rule/') ? this.#needRule(arn) : arn.includes(':listener/') ? this.#needListener(arn) : this.#needBalancer(arn)
  }
}

const groupsOf = (actions: readonly Action[]): Set<string> =>
  new Set(actions.flatMap((action) => (action.kind === 'forward' ? action.targetGroups.map((group) => group.targetGroupArn) : [])))
