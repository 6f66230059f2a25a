import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'

/** Prefixes of every id that leaves the service. The prefix tells a reader, and a log search, what the id names. */
export const idPrefixes = {
  project: 'prj',
  apiKey: 'key',
  account: 'acc',
  resource: 'res',
  shadow: 'shd',
  signal: 'sig',
  operation: 'op',
  event: 'evt',
  recoveryPoint: 'rp',
  recoveryCopy: 'rcp',
  rollbackPolicy: 'rpol',
  transition: 'trn',
  webhook: 'wh',
  delivery: 'dlv',
  drill: 'drl',
  restoredDisk: 'rdk',
  audit: 'aud',
  request: 'req',
} as const
export type IdKind = keyof typeof idPrefixes

declare const brand: unique symbol
type Id<K extends IdKind> = string & { readonly [brand]?: K }
export type ProjectId = Id<'project'>
export type ApiKeyId = Id<'apiKey'>
export type AccountId = Id<'account'>
export type ResourceId = Id<'resource'>
export type ShadowId = Id<'shadow'>
export type SignalId = Id<'signal'>
export type OperationId = Id<'operation'>

/** Makes ids. Injected, so that a simulation makes the same ids from the same seed. */
export interface Ids {
  next(kind: IdKind): string
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford base 32: no i, l, o, u
const suffixLength = 20

/** `res_` and 20 base-32 characters (100 random bits). */
export const randomIds: Ids = {
  next(kind) {
    let suffix = ''
    for (const byte of randomBytes(suffixLength)) suffix += alphabet[byte & 31]
    return `${idPrefixes[kind]}_${suffix}`
  },
}

/** Reproducible ids for simulation and tests. */
export function seededIds(random: Random): Ids {
  return {
    next(kind) {
      let suffix = ''
      for (let i = 0; i < suffixLength; i++) suffix += alphabet[random.int(0, 31)]
      return `${idPrefixes[kind]}_${suffix}`
    },
  }
}

export const isId = (kind: IdKind, value: string): boolean => new RegExp(`^${idPrefixes[kind]}_[${alphabet}]{${suffixLength}}$`).test(value)
