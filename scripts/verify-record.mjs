/**
 * `node scripts/verify-record.mjs <record.json> <key.pem>`: verifies the signed record of a test rollback without the service that
 * made it. The record is the answer of `GET /v1/test-rollbacks/{id}`, or an object with its `record` and `signature`; the key is a
 * `publicKey` of `GET /v1/signing-keys`, had from somebody you trust. Needs nothing but Node. Exits with 0 only when it is genuine.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [recordFile, keyFile] = process.argv.slice(2)
if (recordFile === undefined || keyFile === undefined) {
  console.error('Usage: node scripts/verify-record.mjs <record.json> <key.pem>')
  process.exit(2)
}

/** RFC 8785: members sorted by UTF-16 code units, no spaces; numbers and texts as JSON.stringify writes them. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.keys(value).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

function fail(message) {
  console.error(`NOT VERIFIED: ${message}`)
  process.exit(1)
}

try {
  const { record, signature } = JSON.parse(readFileSync(recordFile, 'utf8'))
  if (record === undefined || signature === undefined) fail('the file has no record and signature')
  if (signature.algorithm !== 'Ed25519') fail(`the algorithm is ${signature.algorithm}`)
  const key = createPublicKey(readFileSync(keyFile))
  if (key.asymmetricKeyType !== 'ed25519') fail(`the key is of the type ${key.asymmetricKeyType}`)
  const spki = key.export({ type: 'spki', format: 'der' })
  const keyId = `ed25519:${createHash('sha256').update(spki).digest('hex').slice(0, 32)}`
  if (keyId !== signature.keyId) fail(`it was signed with ${signature.keyId}, and the key is ${keyId}`)
  if (!verify(null, Buffer.from(canonical(record)), key, Buffer.from(signature.value, 'base64'))) fail('the record is not what was signed')
  console.log(`Verified with ${keyId}: the restore of ${record.point.id} of ${record.resource.id} ${record.outcome} on ${record.verifiedAt}.`)
  console.log(`Recovery took ${record.recoverySeconds} s; going back would have lost ${record.dataLossSeconds} s of data.`)
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
