import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { refusedForEndpoint } from '@understudy/control'
import type { Probe, Prober } from '@understudy/control'
import { guardedLookup } from '@understudy/provider'

const attemptMaxMs = 5000
const bodyBytesMax = 64 * 1024
/** Of an answer, in what people read. */
const shownMax = 100

type At = Parameters<Prober['attempt']>[1]

/**
 * Probes over real sockets, straight or through an HTTP proxy's `CONNECT`. The name of the proxy may lead anywhere but to metadata
 * services. Certificates are not checked: they are for a name, and it is an address that is asked. Redirects are not followed.
 */
export const networkProber: Prober = {
  async attempt(probe, at) {
    const signal = AbortSignal.any([at.signal, AbortSignal.timeout(attemptMaxMs)])
    let socket: Socket | undefined
    try {
      socket = at.proxy === undefined ? await straight(at.address, probe.port, signal) : await through(at.proxy, at, probe.port, signal)
      if (probe.kind === 'tcp') return { passed: true, detail: 'It accepts connections.' }
      return await ask(probe, at.address, socket, signal)
    } catch (error) {
      return { passed: false, detail: signal.aborted ? `There was no answer within ${attemptMaxMs / 1000} s.` : reasonOf(error) }
    } finally {
      socket?.destroy()
    }
  },
}

function straight(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, signal })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

function through(proxy: string, { address }: At, port: number, signal: AbortSignal): Promise<Socket> {
  const url = new URL(proxy)
  const target = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = send({
      ...{ hostname: url.hostname, port: url.port, method: 'CONNECT', path: target, headers: { host: target } },
      ...{ agent: false, signal, lookup: guardedLookup(refusedForEndpoint) },
    })
    request.once('connect', (response, socket: Socket) => {
      if (response.statusCode === 200) return resolve(socket)
      socket.destroy()
      return reject(new Error(`The proxy answered ${response.statusCode}.`))
    })
    request.once('response', (response) => reject(new Error(`The proxy answered ${response.statusCode}.`)))
    request.once('error', reject)
    request.end()
  })
}

function ask(probe: Extract<Probe, { kind: 'http' }>, host: string, socket: Socket, signal: AbortSignal): ReturnType<Prober['attempt']> {
  // An address has no certificate of its own to be checked.
  const connection = probe.scheme === 'https' ? connectTls({ socket, rejectUnauthorized: false }) : socket
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ host, port: probe.port, path: probe.path, signal, headers: { 'user-agent': 'understudy-probe/1', connection: 'close' } },
      createConnection: () => connection,
    })
    request.once('error', reject)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      const finish = (): void => {
        response.destroy()
        resolve(judge(probe, response.statusCode ?? 0, Buffer.concat(chunks).subarray(0, bodyBytesMax).toString('utf8')))
      }
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.byteLength
        if (size >= bodyBytesMax) finish()
      })
      response.once('end', finish)
      response.once('error', reject)
    })
    request.end()
  })
}

function judge(probe: Extract<Probe, { kind: 'http' }>, status: number, body: string): Awaited<ReturnType<Prober['attempt']>> {
  const isWanted = probe.status === undefined ? status >= 200 && status <= 299 : status === probe.status
  if (!isWanted) return { passed: false, detail: `It answered ${status}.` }
  if (probe.contains !== undefined && !body.includes(probe.contains))
    return { passed: false, detail: `It answered ${status}, and not what was expected.` }
  return { passed: true, detail: `It answered ${status}.` }
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'The connection failed.'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code === undefined ? error.message.slice(0, shownMax) : `The connection failed (${code}).`
}
