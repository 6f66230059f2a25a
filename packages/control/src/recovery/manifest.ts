import { contentHash } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import type { SnapshotSet } from '@understudy/provider'
import type { DatabasePosition, Finding } from './recovery-point.ts'

/**
 * What a recovery point is: which state of what, kept where, and how. Plain JSON. Manifests of one resource form a hash chain: each
 * names the hash of the one before, so that none can be changed, left out or slipped in unseen.
 */
export interface Manifest {
  readonly format: 1
  readonly point: string
  readonly resource: string
  /** The cloud's id of the instance that was the primary then. */
  readonly instance: string
  readonly sequence: number
  readonly parent: { readonly point: string; readonly hash: string } | null
  /** Redacted Resource DNA, and its hash. */
  readonly definition: { readonly hash: string; readonly dna: JsonObject }
  readonly disks: {
    /** Key of the snapshot set: what the cloud's snapshots are tagged with. */
    readonly set: string
    /** RFC 3339, by the cloud's clock. */
    readonly takenAt: string
    readonly consistency: SnapshotSet['consistency']
    readonly members: readonly { readonly device: string; readonly role: 'root' | 'data'; readonly snapshot: string; readonly sizeGiB: number }[]
    /** Disks that were plugged in and are none of the resource's own. Left out where there were none. */
    readonly leftOut?: readonly { readonly disk: string; readonly device: string | null; readonly reason: string }[]
  }
  /** Documents of digests that were completed since the point before was sealed. Left out where there is none. */
  readonly digests?: readonly { readonly point: string; readonly hash: string }[]
  /** No cloud keeps memory apart from the instance that it belongs to. */
  readonly memory: { readonly kept: false; readonly reason: string }
  readonly database: DatabasePosition | null
  /** In the order in which it happened, by our clock. */
  readonly order: readonly { readonly what: 'definition' | 'disks'; readonly at: string }[]
}

export const manifestHash = (manifest: Manifest): string => contentHash(manifest)

/** What a chain is checked from: a sealed point, as its row says it. */
export interface Link {
  readonly id: string
  readonly sequence: number
  readonly manifest: Manifest
  readonly manifestHash: string
  /** Of the document of its digests, where there is one. */
  readonly digestsHash?: string | undefined
}

/**
 * Checks a chain from its newest link to its first. Every link has to hash to what was sealed, to name the link before it, and to
 * have been taken later than that one, by the cloud's clock and by ours; and not in the future, which is what is left of a clock of
 * ours that was ahead.
 */
export function checkManifests(links: readonly Link[], atMs: number): readonly Finding[] {
  const digests = new Map(links.map(({ id, digestsHash }) => [id, digestsHash]))
  return links.flatMap((link, index) => [
    ...checkLink(link),
    ...checkParent(link, links[index + 1]),
    ...checkOwnClock(link, links[index + 1], atMs),
    ...checkDigests(link, digests),
  ])
}

function checkLink({ id, sequence, manifest, manifestHash: sealed }: Link): readonly Finding[] {
  const hash = manifestHash(manifest)
  if (hash !== sealed) {
    return [
      { kind: 'manifest_changed', message: `The manifest of ${id} is not the one that was sealed.`, data: { point: id, sealed, present: hash } },
    ]
  }
  const isItsOwn = manifest.point === id && manifest.sequence === sequence
  return isItsOwn ? [] : [{ kind: 'manifest_changed', message: `The manifest of ${id} is that of ${manifest.point}.`, data: { point: id } }]
}

function checkParent(link: Link, before: Link | undefined): readonly Finding[] {
  const { parent } = link.manifest
  if (before === undefined) {
    if (link.sequence === 1 && parent === null) return []
    return [broken(link, parent?.point ?? null, null)]
  }
  if (parent?.point !== before.id || parent.hash !== before.manifestHash || link.sequence !== before.sequence + 1) {
    return [broken(link, parent?.point ?? null, before.id)]
  }
  const taken = Date.parse(link.manifest.disks.takenAt)
  const takenBefore = Date.parse(before.manifest.disks.takenAt)
  if (taken >= takenBefore) return []
  return [
    {
      kind: 'clock_went_back',
      message: `${link.id} says that it was taken before ${before.id}, which is older.`,
      data: { takenAt: link.manifest.disks.takenAt, before: before.manifest.disks.takenAt },
    },
  ]
}

/** A late document is in the chain from the manifest on that was sealed after it. */
const checkDigests = ({ id, manifest }: Link, present: ReadonlyMap<string, string | undefined>): readonly Finding[] =>
  (manifest.digests ?? []).flatMap(({ point, hash }): readonly Finding[] => {
    const found = present.get(point)
    if (found === hash) return []
    const message = `The digests of ${point} are not those that ${id} names.`
    return [{ kind: 'digests_changed', message, data: { point, named: hash, present: found ?? null } }]
  })

function checkOwnClock({ id, manifest }: Link, before: Link | undefined, atMs: number): readonly Finding[] {
  const times = [...(before?.manifest.order ?? []), ...manifest.order].map(({ at }) => at)
  const back = times.find((at, index) => Date.parse(at) < Date.parse(times[index - 1] ?? at))
  if (back !== undefined) {
    return [{ kind: 'clock_jumped', message: `Our clock went back before or while ${id} was kept.`, data: { point: id, times } }]
  }
  const last = times.at(-1)
  if (last === undefined || Date.parse(last) <= atMs) return []
  const now = new Date(atMs).toISOString()
  return [
    {
      kind: 'clock_jumped',
      message: `${id} was kept in the future: our clock was ahead then, or is behind now.`,
      data: { point: id, kept: last, now },
    },
  ]
}

const broken = (link: Link, named: string | null, found: string | null): Finding => ({
  kind: 'chain_broken',
  message: `${link.id} does not follow from the point before it.`,
  data: { point: link.id, sequence: link.sequence, named, found },
})
