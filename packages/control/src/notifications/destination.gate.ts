import { AppError } from '@understudy/core'
import { classifyAddress, classifyHostname, hostOf, isInNetworks } from '../network-address.ts'

/**
 * Why nothing may be sent to this address; `undefined` when it may. Public addresses may be used, private and loopback ones only
 * when the installation allows their network. Metadata services and link-local addresses are refused even then: whoever may make
 * a webhook would get at the credentials of our own machine.
 */
export function refusedDestination(address: string, allowedNetworks: readonly string[]): string | undefined {
  const kind = classifyAddress(address)
  switch (kind) {
    case 'public':
      return undefined
    case 'private':
    case 'loopback':
      return isInNetworks(address, allowedNetworks) ? undefined : `${address} is a ${kind} address`
    case 'metadata':
      return `${address} is a link-local or metadata address`
    case 'unusable':
      return `${address} is not the address of a host`
  }
}

/**
 * The same for everything a name resolved to. One refused address refuses them all: a name that mixes public and private ones is
 * made to get past a check.
 */
export function refusedDestinations(addresses: readonly string[], allowedNetworks: readonly string[]): string | undefined {
  if (addresses.length === 0) return 'the name has no address'
  return addresses.map((address) => refusedDestination(address, allowedNetworks)).find((reason) => reason !== undefined)
}

const urlLengthMax = 2000

/** What can be said about a webhook's URL without resolving its name. Throws `invalid_request` or `destination_refused`. */
export function checkDestinationUrl(text: string, allowedNetworks: readonly string[]): URL {
  const invalid = (message: string): AppError => new AppError('invalid_request', `/url ${message}`, { errors: [{ pointer: '/url', message }] })
  if (text.length > urlLengthMax) throw invalid(`must have at most ${urlLengthMax} characters`)
  if (!URL.canParse(text)) throw invalid('must be a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw invalid('must start with https:// or http://')
  if (url.username !== '' || url.password !== '') throw invalid('must not contain credentials')
  const { host, isAddress } = hostOf(url)
  const reason = isAddress ? refusedDestination(host, allowedNetworks) : refusedName(host, allowedNetworks)
  if (reason === undefined) return url
  throw new AppError(
    'destination_refused',
    `Webhooks are not sent there: ${reason}. Use a public address, or have its network allowed for this installation.`,
    {
      errors: [{ pointer: '/url', message: reason }],
    },
  )
}

function refusedName(host: string, allowedNetworks: readonly string[]): string | undefined {
  const kind = classifyHostname(host)
  if (kind === 'metadata') return `${host} is a metadata service`
  // `localhost` is looked up like any other name; without an allowed loopback network it can only fail later.
  const loopbackAllowed = ['127.0.0.1', '::1'].some((address) => isInNetworks(address, allowedNetworks))
  return kind === 'loopback' && !loopbackAllowed ? `${host} is this machine` : undefined
}
