import { providerError } from '@understudy/provider'
import type { CallContext, TrafficBinding } from '@understudy/provider'
import type { Adapter } from '../adapter.ts'
import type { Instance } from '../clients.ts'
import { untilDone } from '../handles.ts'
import { existing, unlessGone } from '../instance-reader.ts'
import { idOf, zoneOf } from '../instance-state.ts'
import { requestIdOf } from '../names.ts'
import { repeatSafely } from '../repeat.ts'
import { readAddress } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

/** Google's own word, which its console uses too. */
const configName = 'External NAT'

interface Held {
  readonly ip: string
  readonly networkTier: string | undefined
  /** Who has it now, and under which name. */
  readonly holder: { readonly instance: Instance; readonly nic: string; readonly config: string } | undefined
}

/**
 * One reserved address of the region. There is no call that moves it: it is taken from the one and given to the other, and in
 * between nobody has it. Whoever takes over first loses an address of its own, since an interface has one at most.
 */
export function addressMove(adapter: Adapter): Mechanism {
  return {
    async validate(binding) {
      await look(adapter, binding)
    },
    async state(binding) {
      const { holder } = await look(adapter, binding)
      return holder === undefined ? [] : [{ nativeId: idOf(holder.instance), weight: 100, health: 'unknown' }]
    },
    async enrol(binding) {
      // Nobody can stand by at an address: binding it is taking over.
      readAddress(binding)
    },
    async setWeights(binding, weights, context) {
      const raised = weights.filter(({ weight }) => weight > 0)
      if (raised.length > 1) throw providerError('unsupported', 'OneMemberOnly', 'An address belongs to one instance; give one member everything.')
      const held = await look(adapter, binding)
      const [winner] = raised
      if (held.holder !== undefined && winner !== undefined && idOf(held.holder.instance) === winner.ref.nativeId) return
      // Whoever shall have it is looked at before it is taken from whoever has it.
      const next = winner === undefined ? undefined : await existing(adapter, winner.ref, context)
      if (next !== undefined) await clear(adapter, next, held.ip, context)
      await release(adapter, held, context)
      if (next !== undefined) await give(adapter, next, held, context)
    },
    async remove(binding, ref, context) {
      const held = await look(adapter, binding)
      if (held.holder !== undefined && idOf(held.holder.instance) === ref.nativeId) await release(adapter, held, context)
    },
  }
}

async function look({ calls }: Adapter, binding: TrafficBinding): Promise<Held> {
  const { address } = readAddress(binding)
  const { address: ip, users, networkTier, addressType } = await calls.getAddress(address)
  if (addressType === 'INTERNAL' || !ip) throw providerError('invalid', 'NotExternal', `${address} is not an external address.`)
  const kept = { ip, networkTier: networkTier === null || networkTier === undefined ? undefined : String(networkTier) }
  const [, zone, name] = /\/zones\/([^/]+)\/instances\/([^/]+)$/.exec(users?.[0] ?? '') ?? []
  if (zone === undefined || name === undefined) {
    if (users?.[0]) throw providerError('conflict', 'AddressInUse', `${address} is used by ${users[0]}, which is no instance.`)
    return { ...kept, holder: undefined }
  }
  const instance = await unlessGone(calls.getInstance(zone, name))
  const nic = instance?.networkInterfaces?.find(({ accessConfigs }) => accessConfigs?.some(({ natIP }) => natIP === ip))
  const config = nic?.accessConfigs?.find(({ natIP }) => natIP === ip)
  if (instance === undefined || nic === undefined || config === undefined) return { ...kept, holder: undefined }
  return { ...kept, holder: { instance, nic: nic.name ?? 'nic0', config: config.name ?? configName } }
}

/** An address of its own, other than this, would refuse the new one. */
async function clear(adapter: Adapter, instance: Instance, ip: string, context: CallContext): Promise<void> {
  const [nic] = instance.networkInterfaces ?? []
  const [config] = nic?.accessConfigs ?? []
  if (config === undefined || config.natIP === ip) return
  await drop(adapter, { instance, nic: nic?.name ?? 'nic0', config: config.name ?? configName }, `clear ${config.natIP}`, context)
}

async function release(adapter: Adapter, { holder, ip }: Held, context: CallContext): Promise<void> {
  if (holder !== undefined) await drop(adapter, holder, `release ${ip}`, context)
}

async function drop(adapter: Adapter, { instance, nic, config }: NonNullable<Held['holder']>, step: string, context: CallContext): Promise<void> {
  const requestId = requestIdOf(context.idempotencyKey, `${step} ${idOf(instance)}`)
  const target = { zone: zoneOf(instance), instance: idOf(instance), networkInterface: nic, accessConfig: config, requestId }
  const accepted = await repeatSafely(adapter, () => adapter.calls.deleteAccessConfig(target, context.signal), context.signal)
  await untilDone(adapter, accepted, context.signal)
}

async function give(adapter: Adapter, instance: Instance, { ip, networkTier }: Held, context: CallContext): Promise<void> {
  const requestId = requestIdOf(context.idempotencyKey, `give ${ip} ${idOf(instance)}`)
  const config = { name: configName, type: 'ONE_TO_ONE_NAT', natIP: ip, ...(networkTier === undefined ? {} : { networkTier }) }
  const nic = instance.networkInterfaces?.[0]?.name ?? 'nic0'
  const target = { zone: zoneOf(instance), instance: idOf(instance), networkInterface: nic, requestId }
  const accepted = await repeatSafely(adapter, () => adapter.calls.addAccessConfig(target, config, context.signal), context.signal)
  await untilDone(adapter, accepted, context.signal)
}
