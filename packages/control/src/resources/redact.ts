import { contentHash, sha256 } from '@understudy/core'
import type { Json, JsonObject, Labels } from '@understudy/core'
import type { ResourceDna } from '@understudy/provider'

/**
 * What is stored of a definition must not hold anybody's secrets. Boot data is always replaced; tags and native settings are
 * replaced when their name, or their value, looks like a secret. Our own tags are left out: they change with every role.
 *
 * The replacement is the SHA-256 of the text, so that a change is still seen. A short, guessable secret can be recovered from
 * its hash by trying: the hash is as confidential as the rest of the definition, and is never sent to webhooks.
 */
export function redactDna(dna: ResourceDna): ResourceDna {
  const { userData, ...rest } = dna
  return {
    ...rest,
    ...(userData === undefined ? {} : { userData: redactText(userData) }),
    tags: redactTags(dna.tags),
    native: redactObject(dna.native),
  }
}

/** Equal for equal redacted definitions, whatever the order of their keys. */
export const dnaHashOf = (redacted: ResourceDna): string => contentHash(redacted)

/** A stored definition without what was replaced: what is left can be launched, with its boot data and those tags missing. */
export function withoutRedacted(dna: ResourceDna): ResourceDna {
  const { userData, ...rest } = dna
  return {
    ...rest,
    ...(userData === undefined || isRedacted(userData) ? {} : { userData }),
    tags: Object.fromEntries(Object.entries(dna.tags).filter(([, value]) => !isRedacted(value))),
  }
}

const marker = /^\{"redacted":true,"sha256":"[0-9a-f]{64}"\}$/
export const isRedacted = (text: string): boolean => marker.test(text)

/** Redacting what is redacted already changes nothing. */
const redactText = (text: string): string => (isRedacted(text) ? text : `{"redacted":true,"sha256":"${sha256(text)}"}`)

const ownPrefix = 'understudy:'

function redactTags(tags: Labels): Labels {
  const kept = Object.entries(tags).filter(([key]) => !key.startsWith(ownPrefix))
  return Object.fromEntries(kept.map(([key, value]) => [key, isSecretName(key) || isSecretValue(value) ? redactText(value) : value]))
}

function redactObject(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, value === undefined ? undefined : redactMember(key, value)]))
}

function redactMember(key: string, value: Json): Json {
  if (isSecretName(key)) return redactAll(value)
  return redactValue(value)
}

function redactValue(value: Json): Json {
  if (typeof value === 'string') return isSecretValue(value) ? redactText(value) : value
  if (Array.isArray(value)) return (value as readonly Json[]).map(redactValue)
  if (typeof value === 'object' && value !== null) return redactObject(value as JsonObject)
  return value
}

/** Below a secret's name every text is one, except the switches that clouds name alike (`HttpTokens: required`). */
function redactAll(value: Json): Json {
  if (typeof value === 'string') return switches.has(value.toLowerCase()) ? value : redactText(value)
  if (Array.isArray(value)) return (value as readonly Json[]).map(redactAll)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value as JsonObject).map(([key, member]) => [key, member === undefined ? undefined : redactAll(member)]))
  }
  return value
}

const switches = new Set(['', 'required', 'optional', 'enabled', 'disabled', 'true', 'false', 'default', 'none', 'yes', 'no'])

const secretNames =
  /(^|_)(pass|passwd|password|passwords|passphrase|passcode|pwd|pw|secret|secrets|token|tokens|credential|credentials|creds|bearer|dsn|userdata|customdata)(_|$)|(^|_)(api|access|private|secret|signing|encryption|account|shared|ssh|license|licence|auth)_?keys?(_|$)|(^|_)(connection_?string|user_data|custom_data|startup_script|shutdown_script|cloud_init|kerberos|authorization)(_|$)/

/** `dbPassword`, `DB_PASSWORD`, `db-password` and `app:db.password` are the same words. */
function isSecretName(key: string): boolean {
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
  return secretNames.test(words)
}

/** Texts that say by themselves what they are: keys of clouds and forges, private keys, web tokens, addresses with a password. */
const secretValues = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
  /\b(ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abprs]|sk_live|rk_live|usk|whsec|hvs|npm)[-_][A-Za-z0-9_/+=-]{16,}/,
  /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/,
  /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i,
]
const isSecretValue = (text: string): boolean => !isRedacted(text) && secretValues.some((pattern) => pattern.test(text))
