import type { FieldError, Json, JsonObject } from '@understudy/core'
import { escapePointer } from '../fields.ts'
import { classifyAddress, classifyHostname, hostOf } from '../network-address.ts'

/**
 * Every address in an account's settings that we would connect to: http(s) only, nothing secret in it, and never the metadata
 * service or anything link-local, from where our own machine's credentials could be had. Loopback and private networks are
 * allowed, because an installation's region may be simulated, or a private cloud. Names are checked again by whoever resolves
 * them: see `refusedForEndpoint`.
 */
export function outboundUrlErrors(settings: JsonObject): FieldError[] {
  const errors: FieldError[] = []
  walk('/settings', settings, (pointer, text) => {
    const problem = problemOf(text)
    if (problem !== undefined) errors.push({ pointer, message: problem })
  })
  return errors
}

/** Why a resolved address must not be used as the endpoint of a cloud; `undefined` when it may. */
export function refusedForEndpoint(address: string): string | undefined {
  const kind = classifyAddress(address)
  if (kind === 'metadata') return 'is a link-local or metadata address'
  return kind === 'unusable' ? 'is not the address of a host' : undefined
}

function problemOf(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL'
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must start with http:// or https://'
  if (url.username !== '' || url.password !== '') return 'must not contain credentials'
  const { host, isAddress } = hostOf(url)
  if (isAddress) return refusedForEndpoint(host)
  return classifyHostname(host) === 'metadata' ? 'is a metadata service' : undefined
}

/** Names of parties that look like addresses and are compared, never called. */
const isPartyName = (key: string): boolean => key === 'issuer' || key === 'audience'
/** A setting is an address when its name or its own form says so. */
const isAddressName = (key: string): boolean => /(url|uri|endpoint|endpoints|proxy)$/i.test(key)
const looksLikeUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text.trim())

function walk(pointer: string, value: Json, visit: (pointer: string, text: string) => void, isAddress = false): void {
  if (typeof value === 'string') {
    if (isAddress || looksLikeUrl(value)) visit(pointer, value)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined && !isPartyName(key)) walk(`${pointer}/${escapePointer(key)}`, member as Json, visit, isAddress || isAddressName(key))
  }
}
