import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey, JWTPayload } from 'jose'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Signs tokens and serves its public keys over loopback HTTP, as an issuer of a cloud does over HTTPS. */
export interface TokenIssuer {
  readonly keysUrl: string
  /** How often the keys were asked for. */
  readonly reads: number
  /** What the next requests for the keys are answered; 200: with the keys. */
  status: number
  /** With the newest key, or with `key`. */
  sign(claims: JWTPayload, key?: CryptoKey): Promise<string>
  /** From now on another key signs, and it is served beside the former ones. */
  rotate(): Promise<void>
  close(): Promise<void>
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const served: object[] = []
  let current: { readonly kid: string; readonly privateKey: CryptoKey } | undefined
  let reads = 0
  const issuer = { status: 200 }
  const rotate = async (): Promise<void> => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const kid = `key-${served.length + 1}`
    served.push({ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' })
    current = { kid, privateKey }
  }
  await rotate()
  const server: Server = createServer((_request, response) => {
    reads += 1
    response.writeHead(issuer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: served }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    keysUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, // listening on TCP
    get reads() {
      return reads
    },
    get status() {
      return issuer.status
    },
    set status(status) {
      issuer.status = status
    },
    sign(claims, key) {
      if (current === undefined) throw new Error('the issuer has a key')
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: current.kid }).sign(key ?? current.privateKey)
    },
    rotate,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
