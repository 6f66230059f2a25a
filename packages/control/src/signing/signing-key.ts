/** A key of the service that signs what has to be believed without it. Its id follows from it: see `keyIdOf`. */
export interface SigningKey {
  readonly id: string
  /** SPKI in PEM. */
  readonly publicKey: string
  readonly createdAt: Date
  /** Signs nothing any more; what it has signed stays true. */
  readonly retiredAt: Date | undefined
}

export interface Signature {
  readonly algorithm: 'Ed25519'
  readonly keyId: string
  /** Of the canonical JSON (RFC 8785) of what is signed, in base64. */
  readonly value: string
}
