import { sha256 } from '@understudy/core'

/**
 * The name of what a key makes. A name is taken once per project and zone, so that a repeated creation is refused with 409
 * even when the request id has long been forgotten. `part` tells the things of one key apart.
 */
export const nameOf = (idempotencyKey: string, part?: string): string =>
  `us-${idempotencyKey.slice(0, 20)}${part === undefined ? '' : `-${sha256(part).slice(0, 8)}`}`

/**
 * One call of one intent. Google answers a repeated request id with the operation that the first call began; `step` tells
 * the calls of one intent apart. The all-zero UUID is refused, which no hash is.
 */
export function requestIdOf(idempotencyKey: string, step: string): string {
  const hex = sha256(`${idempotencyKey} ${step}`)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The last part of one of Google's URLs: `…/zones/europe-west1-b` → `europe-west1-b`. */
export const lastPart = (url: string | null | undefined): string => url?.slice(url.lastIndexOf('/') + 1) ?? ''

export const diskUrl = (project: string, zone: string, name: string): string => `projects/${project}/zones/${zone}/disks/${name}`

/** Google names the version of a key that a disk was encrypted with, and takes the key alone. */
export const keyWithoutVersion = (kmsKey: string): string => kmsKey.replace(/\/cryptoKeyVersions\/\d+$/, '')
