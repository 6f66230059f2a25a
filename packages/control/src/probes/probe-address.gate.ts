import type { ResourceDna } from '@understudy/provider'
import { refusedForEndpoint } from '../accounts/outbound-url.gate.ts'
import { classifyAddress } from '../network-address.ts'
import { refusedDestination } from '../notifications/destination.gate.ts'

export type ProbeAddress = { readonly ok: true; readonly address: string } | { readonly ok: false; readonly reason: string }

/**
 * The address of an instance that its probes go to. Straight: a public one, or a private one whose network the installation allows,
 * since it is an account's cloud that says which address this is. Through a proxy of the account: its private one; what can be
 * reached from there is no network of ours. Never a metadata service, nor our own machine.
 */
export function probeAddressOf({ nics }: Pick<ResourceDna, 'nics'>, proxy: string | undefined, allowedNetworks: readonly string[]): ProbeAddress {
  const nic = nics.find(({ primary }) => primary) ?? nics[0]
  const [privateIp] = nic?.privateIps ?? []
  if (proxy !== undefined) {
    if (privateIp === undefined) return { ok: false, reason: 'The cloud names no private address of it.' }
    const refused = classifyAddress(privateIp) === 'loopback' ? 'is loopback' : refusedForEndpoint(privateIp)
    return refused === undefined ? { ok: true, address: privateIp } : { ok: false, reason: `${privateIp} ${refused}.` }
  }
  const reasons: string[] = []
  for (const address of [privateIp, nic?.publicIp?.ip]) {
    if (address === undefined) continue
    const refused = refusedDestination(address, allowedNetworks)
    if (refused === undefined) return { ok: true, address }
    reasons.push(refused)
  }
  const why = reasons.length === 0 ? 'the cloud names no address of it' : reasons.join(', ')
  return {
    ok: false,
    reason: `No probe can reach it: ${why}. Name a probeProxy in the settings of the account, or have its network allowed for this installation.`,
  }
}
