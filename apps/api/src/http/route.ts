import type { RouteContract } from '@understudy/contract'
import type { Control, Principal, VerifyToken } from '@understudy/control'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { AppDeps } from '../deps.ts'
import type { RateLimits } from '../plugins/rate-limit.ts'
import type { Streams } from '../streams/streams.ts'
import type { Exact } from './exact.ts'

type Parsed<Schema> = Schema extends z.ZodType ? Exact<z.output<Schema>> : undefined
type BodyOf<Answer> = Answer extends { readonly content: infer Content }
  ? z.input<Extract<Content[keyof Content], { readonly schema: z.ZodType }>['schema']>
  : undefined
type AnswersOf<Contract extends RouteContract> = BodyOf<Contract['schema']['response'][keyof Contract['schema']['response']]>

/** One request, parsed and authorised. */
export interface Call<Contract extends RouteContract = RouteContract> {
  readonly control: Control
  readonly deps: AppDeps
  readonly principal: Principal
  readonly params: Parsed<Contract['schema']['params']>
  readonly query: Parsed<Contract['schema']['querystring']>
  readonly body: Parsed<Contract['schema']['body']>
  readonly headers: Parsed<Contract['schema']['headers']>
  /** From `If-Match`; 0 on routes that do not demand it. */
  readonly seenVersion: number
  /** From `pageSize` and `pageToken`; whole on lists only. */
  readonly page: { readonly pageSize: number; readonly after?: string }
  readonly tokenFor: (after: string) => string
  readonly streams: Streams
  readonly limits: RateLimits
  /** Of pushed events. */
  readonly verifyToken: VerifyToken
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

export interface Answer<Body = unknown> {
  readonly status: number
  readonly body?: Body
  readonly stream?: Readable
  readonly headers?: Readonly<Record<string, string>>
}

export interface Route {
  readonly contract: RouteContract
  readonly handle: (call: Call) => Promise<Answer>
}

/** Joins a contract and its handler, and keeps the types of both in step. */
export function route<const Contract extends RouteContract>(
  contract: Contract,
  handle: (call: Call<Contract>) => Promise<Answer<AnswersOf<Contract>>>,
): Route {
  // The list of routes forgets the types of each one; the schema has checked the values.
  return { contract, handle: handle as unknown as Route['handle'] }
}

export const ok = <Body>(body: Body): Answer<Body> => ({ status: 200, body })
export const created = <Body>(body: Body, location: string): Answer<Body> => ({ status: 201, body, headers: { location } })
export const done = { status: 204 } as const

/** A page of domain objects as the contract shows it. */
export function pageAnswer<Item, View>(
  call: { readonly tokenFor: (after: string) => string },
  page: { readonly items: readonly Item[]; readonly nextAfter?: string | undefined },
  view: (item: Item) => View,
): Answer<{ items: View[]; nextPageToken?: string }> {
  const items = page.items.map((item) => view(item))
  return ok(page.nextAfter === undefined ? { items } : { items, nextPageToken: call.tokenFor(page.nextAfter) })
}
