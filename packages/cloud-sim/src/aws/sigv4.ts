import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** The parts of `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. */
export interface Authorization {
  readonly accessKeyId: string
  readonly date: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

export interface SignedRequest {
  readonly method: string
  /** Path and query exactly as they came. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array | string
}

const algorithm = 'AWS4-HMAC-SHA256'

/** Undefined when the header is absent, of another scheme, or not well formed. */
export function parseAuthorization(header: string | undefined): Authorization | undefined {
  if (header === undefined || !header.startsWith(`${algorithm} `)) return undefined
  const fields = new Map<string, string>()
  for (const part of header.slice(algorithm.length + 1).split(',')) {
    const at = part.indexOf('=')
    if (at > 0) fields.set(part.slice(0, at).trim(), part.slice(at + 1).trim())
  }
  const scope = fields.get('Credential')?.split('/') ?? []
  const signature = fields.get('Signature')
  const signedHeaders = fields.get('SignedHeaders')?.split(';')
  const [terminator, service, region, date] = scope.toReversed()
  // An access key id holds no slash with AWS; other clouds' compatible ones may, so everything before the date is the id.
  const accessKeyId = scope.slice(0, -4).join('/')
  if (terminator !== 'aws4_request' || !service || !region || !date || accessKeyId === '' || !signature || !signedHeaders) return undefined
  return { accessKeyId, date, region, service, signedHeaders, signature }
}

/**
 * Whether the signature is right for this secret.
 * Rules: AWS General Reference, "Create a signed AWS API request": canonical request, string to sign, derived key.
 */
export function signatureMatches(request: SignedRequest, authorization: Authorization, secret: string): boolean {
  const expected = Buffer.from(signatureOf(request, authorization, secret), 'utf8')
  const given = Buffer.from(authorization.signature, 'utf8')
  return expected.length === given.length && timingSafeEqual(expected, given)
}

function signatureOf(request: SignedRequest, authorization: Authorization, secret: string): string {
  const { date, region, service } = authorization
  const timestamp = headerText(request.headers['x-amz-date'])
  const scope = `${date}/${region}/${service}/aws4_request`
  const stringToSign = `${algorithm}\n${timestamp}\n${scope}\n${hash(canonicalRequest(request, authorization))}`
  return hmac(signingKey(secret, date, region, service), stringToSign).toString('hex')
}

function canonicalRequest(request: SignedRequest, authorization: Authorization): string {
  const queryAt = request.url.indexOf('?')
  const path = queryAt < 0 ? request.url : request.url.slice(0, queryAt)
  const query = queryAt < 0 ? '' : request.url.slice(queryAt + 1)
  const headers = authorization.signedHeaders.map((name) => `${name}:${headerText(request.headers[name]).trim().replaceAll(/\s+/g, ' ')}\n`).join('')
  // Outside S3 each path segment is encoded once more on top of what is on the wire.
  const canonicalPath = path === '' ? '/' : path.split('/').map(encode).join('/')
  const payload = headerText(request.headers['x-amz-content-sha256']) || hash(request.body)
  return [request.method, canonicalPath, canonicalQuery(query), headers, authorization.signedHeaders.join(';'), payload].join('\n')
}

/** A client that declares a hash of its body must have hashed this body. */
export function declaredHashMatches(request: SignedRequest): boolean {
  const declared = headerText(request.headers['x-amz-content-sha256'])
  return declared === '' || declared === 'UNSIGNED-PAYLOAD' || declared === hash(request.body)
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    return [encode(decode(name)), encode(decode(value))]
  })
  pairs.sort(([a, av], [b, bv]) => (a === b ? (av < bv ? -1 : 1) : a < b ? -1 : 1))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

const keys = new Map<string, Buffer>()
/** The key is good for a day in one region and service; deriving it costs four hashes, so the last few are kept. */
function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  const name = `${secret}\n${date}\n${region}\n${service}`
  let key = keys.get(name)
  if (key === undefined) {
    key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request')
    if (keys.size > 500) keys.clear()
    keys.set(name, key)
  }
  return key
}

/** `20261120T131644Z` as milliseconds since the epoch; NaN when it is not of that form. */
export function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  return match ? Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`) : Number.NaN
}

export const headerText = (value: string | string[] | undefined): string => (Array.isArray(value) ? value.join(',') : (value ?? ''))

const hash = (text: Uint8Array | string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
