import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import { addressRefusedCode, guardedLookup } from '@understudy/provider'
import type { AddressGuard } from '@understudy/provider'
import { Agent } from 'node:https'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import { noteRefusal, noteUnreachable } from './capture.ts'

export interface ConnectionOptions {
  readonly certificateAuthority?: string
  readonly guard?: AddressGuard
  readonly timeoutMs: number
}

/** Sockets over which Azure and its authority are asked; every address a name leads to is asked about first. */
export const guardedAgent = ({ certificateAuthority, guard }: ConnectionOptions): Agent =>
  new Agent({
    keepAlive: true,
    ...(certificateAuthority === undefined ? {} : { ca: [...rootCertificates, certificateAuthority] }),
    ...(guard === undefined ? {} : { lookup: guardedLookup(guard) }),
  })

/**
 * The last step before the wire. `origin`: the only one that is asked; ARM's answers name addresses (of operations, of next pages) to
 * which the SDK would carry our token. The authority names its own token endpoint, so that one is only held to TLS and to the guard.
 * `machine`: plain HTTP to the SDK's own address of the machine's identity, which no setting can change.
 */
export const connectionPolicy = (
  agent: Agent,
  { guard, timeoutMs }: ConnectionOptions,
  to: { readonly origin?: string; readonly machine?: boolean },
): PipelinePolicy => ({
  name: 'understudyConnection',
  async sendRequest(request, next) {
    const url = new URL(request.url)
    request.timeout = timeoutMs
    if (to.machine === true) return await next(request)
    const refused = refusal(url, to.origin, guard)
    if (refused !== undefined) throw addressRefused(refused)
    // Instead of a proxy of the environment, whose resolution nobody could ask about.
    request.agent = agent
    try {
      return await next(request)
    } catch (error) {
      if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
        // Refused when the name was looked up.
        if (error.code === addressRefusedCode) noteRefusal(error.message)
        else noteUnreachable(url.host, error.code)
      }
      throw error
    }
  },
})

function addressRefused(reason: string): Error {
  noteRefusal(reason)
  return Object.assign(new Error(reason), { code: addressRefusedCode })
}

function refusal(url: URL, origin: string | undefined, guard: AddressGuard | undefined): string | undefined {
  if (url.protocol !== 'https:') return `${url.host} is not asked without TLS`
  if (origin !== undefined && url.origin !== origin) return `${url.host} is not the endpoint of the account, and gets no token of it`
  // A host that is an address is never looked up, so it is asked about here.
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  const problem = isIP(host) === 0 ? undefined : guard?.(host)
  return problem === undefined ? undefined : `${host} ${problem}`
}
