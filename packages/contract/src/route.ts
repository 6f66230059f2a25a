import type { z } from 'zod'

/** What a caller must be to use a route. `none`: anybody. `ingest-key`: the account's own key, or a token of its cloud, not an API key. */
export const accessRoles = ['none', 'ingest-key', 'viewer', 'operator', 'admin', 'installation'] as const
export type AccessRole = (typeof accessRoles)[number]

/** The conditions of a route as data: the API enforces them, the document describes them, and a test walks over all of them. */
export interface Access {
  readonly role: AccessRole
  /** `Idempotency-Key` is required, except for a dry run. */
  readonly idempotent?: true
  /** `If-Match` is required. */
  readonly ifMatch?: true
  /** The answer shows a secret once; its remembered copy is sealed. */
  readonly secret?: true
}

/** One answer of a route: what it means, and its body by content type. A 204 has no body. */
export interface AnswerContract {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: z.ZodType }>>
}

export interface RouteContract {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** As in OpenAPI: `/v1/shadows/{id}:drill`. */
  readonly url: string
  readonly access: Access
  readonly schema: {
    readonly operationId: string
    readonly tags: readonly [Tag]
    readonly summary: string
    readonly description: string
    readonly params?: z.ZodType
    readonly querystring?: z.ZodType
    readonly headers?: z.ZodType
    readonly body?: z.ZodType
    readonly response: Readonly<Record<number, AnswerContract>>
  }
}

/** Checks a route against `RouteContract` and keeps its literal types. */
export const defineRoute = <const Contract extends RouteContract>(contract: Contract): Contract => contract

/** An answer with a JSON body. */
export const json = <Schema extends z.ZodType>(description: string, schema: Schema) =>
  ({ description, content: { 'application/json': { schema } } }) as const

export const noContent = { description: 'Done. There is nothing to show.' } as const

/** What the surface is divided into, in the order of the document. */
export const tags = {
  projects: 'Tenants of one installation. Nothing is visible from one project to another.',
  'api-keys': 'Keys of a project: role, expiry, last use. A key is shown once, when it is made.',
  audit: 'Who changed what, here and in the clouds. Entries form a hash chain.',
  accounts: 'Accounts of a cloud in one region, and their sealed credentials.',
  resources: 'What a team cannot afford to lose: its definition (DNA), its protection, its holds.',
  shadows: 'Stand-ins for resources, how ready they are, and the proof of it.',
  'recovery-points': 'States of a resource that can be gone back to, sealed into a hash chain.',
  'rollback-policies': 'What is kept of which resources, for how long, and who may go back to it.',
  transitions: 'Changes that clouds and callers have announced, and what can be done about them.',
  signals: 'What clouds and agents say about resources, in one vocabulary.',
  ingest: 'Where clouds push their own events.',
  operations: 'Long-running changes with a timeline.',
  events: 'Everything that happened, as CloudEvents.',
  webhooks: 'Where events are delivered, and every delivery.',
  service: 'Health, metrics and the document itself.',
} as const
export type Tag = keyof typeof tags
