import { generateKeyPairSync, sign } from 'node:crypto'

export interface Certificate {
  /** PEM, PKCS #8. */
  readonly key: string
  /** PEM, X.509: its own authority, valid for loopback only. */
  readonly cert: string
}

/** Object identifiers of X.690 and RFC 5280, already encoded. */
const ecdsaWithSha256 = '06082a8648ce3d040302'
const commonName = '0603550403'
const subjectAltName = '0603551d11'
const basicConstraints = '0603551d13'

/**
 * A self-signed certificate for `localhost` and 127.0.0.1. Azure's SDK sends its token over TLS only, so that a simulated
 * endpoint needs one; `nowMs` is the time around which it is valid: from a day before, for ten years.
 */
export function loopbackCertificate(nowMs: number): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(hex(ecdsaWithSha256))
  const name = sequence(der(0x31, sequence(hex(commonName), der(0x0c, Buffer.from('understudy simulated azure')))))
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  const extensions = sequence(
    sequence(hex(basicConstraints), der(0x01, Buffer.from([0xff])), der(0x04, sequence(der(0x01, Buffer.from([0xff]))))),
    sequence(hex(subjectAltName), der(0x04, names)),
  )
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(time(nowMs - 86_400_000), time(nowMs + tenYearsMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const certificate = sequence(toBeSigned, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}

const tenYearsMs = 3650 * 86_400_000

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** One DER element: tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts))

/** GeneralizedTime is needed from 2050 on only; this project's certificates end before. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}
