import { metadataServices } from '@understudy/provider'
import ipaddr from 'ipaddr.js'

/** What an address is, as far as it matters to whether we may connect to it. */
export type AddressClass =
  | 'public'
  | 'private'
  | 'loopback'
  /** Addresses that serve credentials to whoever asks: the clouds' metadata services, and everything link-local beside them. */
  | 'metadata'
  /** Multicast, broadcast, unspecified, documentation, reserved: nobody's host. */
  | 'unusable'

const metadataAddresses = new Set(metadataServices.addresses.map((text) => ipaddr.parse(text).toString()))

const byRange: Readonly<Record<string, AddressClass>> = {
  unicast: 'public',
  private: 'private',
  carrierGradeNat: 'private',
  uniqueLocal: 'private',
  loopback: 'loopback',
  linkLocal: 'metadata',
}

/**
 * Classifies an address as a resolver returns it. IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4) are what they
 * carry. Anything that is not an address is `unusable`.
 */
export function classifyAddress(text: string): AddressClass {
  const address = parseAddress(text)
  if (address === undefined) return 'unusable'
  if (metadataAddresses.has(address.toString())) return 'metadata'
  return byRange[address.range()] ?? 'unusable'
}

/** Whether the address lies in one of these networks (CIDR). */
export function isInNetworks(text: string, networks: readonly string[]): boolean {
  const address = parseAddress(text)
  if (address === undefined) return false
  return networks.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network)
    return base.kind() === address.kind() && address.match(base, bits)
  })
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.replace(/%.*$/, '')
  // Four decimal parts only for IPv4: the octal, hexadecimal and short forms are read differently by different programs.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare)
  if (!ipaddr.IPv6.isValid(bare)) return undefined
  const address = ipaddr.IPv6.parse(bare)
  return carriedIpv4(address) ?? address
}

function carriedIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  const bytes = address.toByteArray()
  const zeroFrom = (from: number, to: number): boolean => bytes.slice(from, to).every((byte) => byte === 0)
  const range = address.range()
  // `::a.b.c.d` is deprecated, and some systems still connect to a.b.c.d for it; `::` and `::1` are not of that form.
  const isCompatible = zeroFrom(0, 12) && !zeroFrom(12, 15)
  // 64:ff9b:1::/48 may carry the address elsewhere: it stays what it is, unusable.
  if (isCompatible || range === 'rfc6145' || (range === 'rfc6052' && zeroFrom(4, 12))) return new ipaddr.IPv4(bytes.slice(12, 16))
  return range === '6to4' ? new ipaddr.IPv4(bytes.slice(2, 6)) : undefined
}

/** Names that lead to a metadata service, and names of this very machine. */
export function classifyHostname(hostname: string): AddressClass | undefined {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  if (metadataServices.names.includes(name)) return 'metadata'
  return name === 'localhost' || name.endsWith('.localhost') ? 'loopback' : undefined
}

/** The host of a parsed http(s) URL without the brackets of IPv6. The URL parser has already turned `0x7f.1`, `2130706433` and `0177.0.0.1` into four decimal parts. */
export function hostOf(url: URL): { readonly host: string; readonly isAddress: boolean } {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return { host, isAddress: ipaddr.isValid(host) }
}
