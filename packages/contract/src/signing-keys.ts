import { z } from 'zod'
import { noBody, time } from './common.ts'
import { defineRoute, json } from './route.ts'

export const SigningKey = z
  .object({
    id: z.string().meta({ description: '`ed25519:` and 32 hex of the SHA-256 of the public key (SPKI, DER).' }),
    algorithm: z.literal('Ed25519'),
    publicKey: z.string().meta({ description: 'SPKI in PEM.' }),
    createdAt: time,
    retiredAt: time.optional().meta({ description: 'It signs nothing any more; what it has signed stays true.' }),
  })
  .meta({ id: 'SigningKey' })

const tags = ['recovery-points'] as const

export const getSigningKeys = defineRoute({
  method: 'GET',
  url: '/v1/signing-keys',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getSigningKeys',
    tags,
    summary: 'The public keys that records are signed with',
    description: 'Newest first, the retired ones too. There is none before something was signed.',
    response: { 200: json('All of them.', z.object({ items: z.array(SigningKey) }).meta({ id: 'SigningKeys' })) },
  },
})

export const rotateSigningKey = defineRoute({
  method: 'POST',
  url: '/v1/signing-keys:rotate',
  access: { role: 'installation', idempotent: true },
  schema: {
    operationId: 'rotateSigningKey',
    tags,
    summary: 'Sign with a new key from now on',
    description: 'The former one is kept, retired: what it has signed can still be verified.',
    body: noBody,
    response: { 200: json('The new key.', SigningKey) },
  },
})
