import type { CreateTargetGroupInput } from './api.ts'
import type { Network } from './network.ts'
import { SimError } from './sim-error.ts'
import type { HealthCheck, TargetGroup } from './types.ts'
import type { World } from './world.ts'

/** Target groups as such; who is in them is in `targets.ts`, who forwards to them in `balancers.ts`. */
export class TargetGroups {
  readonly #world: World
  readonly #network: Network

  constructor(world: World, network: Network) {
    this.#world = world
    this.#network = network
  }

  create(input: CreateTargetGroupInput): TargetGroup {
    for (const group of this.#world.state.targetGroups.values()) {
      if (group.name === input.name)
        throw new SimError('DuplicateTargetGroupName', `A target group with the same name '${input.name}' exists, but with different settings`)
    }
    checkName(input.name)
    const deregistrationDelaySeconds = input.deregistrationDelaySeconds ?? 300
    const group: TargetGroup = {
      arn: this.#world.arn('elasticloadbalancing', `targetgroup/${input.name}/${this.#world.hex(16)}`),
      name: input.name,
      protocol: input.protocol ?? 'HTTP',
      port: input.port,
      vpcId: this.#network.defaultVpc().vpcId,
      targetType: input.targetType ?? 'instance',
      healthCheck: { ...defaultHealthCheck, ...input.healthCheck },
      deregistrationDelaySeconds,
      attributes: { [delayAttribute]: String(deregistrationDelaySeconds) },
      createdAtMs: this.#world.now(),
      tags: { ...input.tags },
    }
    checkHealthCheck(group.healthCheck)
    this.#world.state.targetGroups.set(group.arn, group)
    return group
  }

  modify(input: { readonly targetGroupArn: string; readonly healthCheck: Partial<HealthCheck> }): TargetGroup {
    const group = this.need(input.targetGroupArn)
    const healthCheck = { ...group.healthCheck, ...input.healthCheck }
    checkHealthCheck(healthCheck)
    group.healthCheck = healthCheck
    return group
  }

  delete(arn: string): void {
    this.#world.state.targetGroups.delete(arn)
  }

  describe(query: { readonly arns?: readonly string[]; readonly names?: readonly string[] }): readonly TargetGroup[] {
    const all = [...this.#world.state.targetGroups.values()]
    if (query.arns?.length) return query.arns.map((arn) => this.need(arn))
    if (query.names?.length) {
      return query.names.map((name) => {
        const found = all.find((group) => group.name === name)
        if (!found) throw new SimError('TargetGroupNotFound', `One or more target groups not found: ${name}`)
        return found
      })
    }
    return all
  }

  modifyAttributes(targetGroupArn: string, attributes: Readonly<Record<string, string>>): TargetGroup {
    const group = this.need(targetGroupArn)
    const delay = attributes[delayAttribute]
    if (delay !== undefined) {
      const seconds = Number(delay)
      if (!Number.isInteger(seconds) || seconds < 0 || seconds > 3600)
        throw new SimError('ValidationError', `'${delayAttribute}' must be between 0 and 3600 seconds`)
      group.deregistrationDelaySeconds = seconds
    }
    group.attributes = { ...group.attributes, ...attributes }
    return group
  }

  need(arn: string): TargetGroup {
    const group = this.#world.state.targetGroups.get(arn)
    if (!group) throw new SimError('TargetGroupNotFound', `One or more target groups not found: ${arn}`)
    return group
  }
}

const delayAttribute = 'deregistration_delay.timeout_seconds'
const defaultHealthCheck: HealthCheck = {
  protocol: 'HTTP',
  port: 'traffic-port',
  path: '/',
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
  matcher: '200',
}

function checkHealthCheck(check: HealthCheck): void {
  const within = (value: number, min: number, max: number, name: string): void => {
    if (!Number.isInteger(value) || value < min || value > max) throw new SimError('ValidationError', `${name} must be between ${min} and ${max}`)
  }
  within(check.intervalSeconds, 1, 300, 'Health check interval')
  within(check.timeoutSeconds, 1, 120, 'Health check timeout')
  within(check.healthyThreshold, 2, 10, 'Healthy threshold count')
  within(check.unhealthyThreshold, 2, 10, 'Unhealthy threshold count')
}

/** Names of load balancers and target groups. */
export function checkName(name: string): void {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/.test(name))
    throw new SimError('ValidationError', `The name '${name}' must be 1 to 32 letters, digits or inner hyphens`)
}
