import type { JsonObject } from '@understudy/core'

/** How the pushes of a cloud prove where they come from, and what it asks before it pushes. Pure: nothing is called. */
export interface Push {
  /** The token that the settings of an account expect beside, or instead of, its ingest key; `undefined`: only the key counts. */
  token?(settings: JsonObject): ExpectedToken | undefined
  /** The answer to a document by which the cloud asks whether it may push here; `undefined`: the document is something else. */
  handshake?(document: unknown): JsonObject | undefined
}

/** What a signed token (JWT, RFC 7519) must say to be taken for a push of one account. */
export interface ExpectedToken {
  /** One of these is its `iss`. */
  readonly issuers: readonly string[]
  /** Is, or is among, its `aud`. */
  readonly audience: string
  /** Address of the issuer's public keys (JWK Set, RFC 7517). */
  readonly keysUrl: string
  /** Each is met when one of `names` has the value. Clouds call the same thing differently in different versions of their tokens. */
  readonly claims: readonly { readonly names: readonly string[]; readonly value: string | boolean }[]
}
