import { ownTags } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, Isolation, ResourceDna } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import type { Firewall } from './firewall-calls.ts'
import { untilDone } from './handles.ts'
import { isInRegion } from './instance-reader.ts'
import { labelFilter } from './label-text.ts'
import { nameOf, requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'

/**
 * A network tag of a clone's own, and firewall rules for it: Google's stands for everything that a security group is elsewhere. Each network
 * lets everything out by itself, at the lowest priority, and denies at 0 come before whatever else there is.
 * https://cloud.google.com/firewall/docs/firewalls
 */
export function gcpIsolation(adapter: Adapter): Isolation {
  return {
    async ensure(near, { ports }, context) {
      const present = new Map((await rulesOf(adapter, context.idempotencyKey)).map((rule) => [rule.name ?? '', rule]))
      await Promise.all(
        rulesFor(adapter, near, ports, context).map(async (rule) => {
          const found = present.get(rule.name ?? '')
          await (found === undefined ? insert(adapter, rule, context) : letIn(adapter, found, ports, context))
        }),
      )
      return { securityGroups: [tagOf(context.idempotencyKey)] }
    },
    async remove(idempotencyKey, { signal }) {
      const rules = await rulesOf(adapter, idempotencyKey)
      if (rules.length === 0) return { removed: 0 }
      // Google would let go of them: an instance that still runs would be open.
      if (await isUsed(adapter, tagOf(idempotencyKey)))
        throw providerError('conflict', 'TagInUse', `An instance still has the network tag ${tagOf(idempotencyKey)}.`)
      await Promise.all(
        rules.map(({ name }) =>
          unless('not_found', async () => {
            const requestId = requestIdOf(idempotencyKey, `delete ${name ?? ''}`)
            const accepted = await repeatSafely(adapter, () => adapter.calls.deleteFirewall(name ?? '', { requestId, signal }), signal)
            await untilDone(adapter, accepted, signal)
          }),
        ),
      )
      return { removed: rules.length }
    },
  }
}

const tagOf = (key: string): string => nameOf(key)
const parts = ['out', 'out6', 'probes', 'in', 'in6'] as const
const mark = 'understudy '

async function rulesOf({ calls }: Adapter, key: string): Promise<readonly Firewall[]> {
  const filter = parts.map((part) => `(name="${nameOf(key, part)}")`).join(' OR ')
  const rules: Firewall[] = []
  for await (const rule of calls.listFirewalls(filter)) {
    if (keyIn(rule) !== key)
      throw providerError('idempotency_mismatch', 'NameTaken', `The firewall rule ${rule.name ?? ''} was made by somebody else.`)
    rules.push(rule)
  }
  return rules
}

/** Firewall rules have no labels: whose they are is in their description. */
function keyIn({ description }: Firewall): string | undefined {
  const [, key] = new RegExp(`"${ownTags.operation}":"([^"]+)"`).exec(description?.startsWith(mark) === true ? description : '') ?? []
  return key
}

/** RFC 1918 and RFC 6598: where probes come from inside of a network. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']
const all = [{ IPProtocol: 'all' }]

/** Rules of one priority deny before they allow, so that what is let in stands before what is not. A rule has ranges of one kind of address. */
function rulesFor(adapter: Adapter, near: ResourceDna, ports: readonly number[], context: CallContext): readonly Firewall[] {
  const network = near.native['network']
  if (typeof network !== 'string') throw providerError('invalid', 'NoNetwork', `The network of ${near.ref.nativeId} is not known.`)
  const description = `${mark}${JSON.stringify(creationTags(context, adapter.installation))}`
  const rule = (part: (typeof parts)[number], more: Firewall): Firewall => ({
    ...{ name: nameOf(context.idempotencyKey, part), network, description, targetTags: [tagOf(context.idempotencyKey)] },
    ...more,
  })
  return [
    rule('out', { direction: 'EGRESS', priority: 0, denied: all, destinationRanges: ['0.0.0.0/0'] }),
    rule('out6', { direction: 'EGRESS', priority: 0, denied: all, destinationRanges: ['::/0'] }),
    ...(ports.length === 0 ? [] : [rule('probes', { direction: 'INGRESS', priority: 0, allowed: [tcp(ports)], sourceRanges: privateRanges })]),
    rule('in', { direction: 'INGRESS', priority: 1, denied: all, sourceRanges: ['0.0.0.0/0'] }),
    rule('in6', { direction: 'INGRESS', priority: 1, denied: all, sourceRanges: ['::/0'] }),
  ]
}

const tcp = (ports: readonly number[]) => ({ IPProtocol: 'tcp', ports: ports.map(String) })

async function insert(adapter: Adapter, rule: Firewall, { idempotencyKey, signal }: CallContext): Promise<void> {
  const requestId = requestIdOf(idempotencyKey, `insert ${rule.name ?? ''}`)
  await unless('already_exists', async () => {
    await untilDone(adapter, await repeatSafely(adapter, () => adapter.calls.insertFirewall(rule, { requestId, signal }), signal), signal)
  })
}

/** The ports that a rule there is does not let in yet. */
async function letIn(adapter: Adapter, rule: Firewall, ports: readonly number[], { idempotencyKey, signal }: CallContext): Promise<void> {
  if (rule.name !== nameOf(idempotencyKey, 'probes')) return
  const open = (rule.allowed ?? []).flatMap((allowed) => allowed.ports ?? []).map(Number)
  const wanted = [...new Set([...open, ...ports])]
  if (wanted.length === open.length) return
  const requestId = requestIdOf(idempotencyKey, `patch ${wanted.join(' ')}`)
  const patch = () => adapter.calls.patchFirewall(rule.name ?? '', { allowed: [tcp(wanted)] }, { requestId, signal })
  await untilDone(adapter, await repeatSafely(adapter, patch, signal), signal)
}

/** Only instances that we have made have the tag. */
async function isUsed({ calls, scope }: Adapter, tag: string): Promise<boolean> {
  for await (const instance of calls.listInstances(labelFilter({ [ownTags.managed]: 'true' }))) {
    if (isInRegion(instance, scope.region) && instance.tags?.items?.includes(tag) === true) return true
  }
  return false
}

async function unless(kind: 'not_found' | 'already_exists', work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isProviderError(error, kind)) throw error
  }
}
