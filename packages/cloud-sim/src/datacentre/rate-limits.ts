import type { InvokeOptions } from './api.ts'

interface Bucket {
  readonly capacity: number
  readonly refillPerSecond: number
}

/** EC2's published buckets per account and region: requests. */
const requestBuckets: Record<string, Bucket> = {
  RunInstances: { capacity: 5, refillPerSecond: 2 },
  StartInstances: { capacity: 5, refillPerSecond: 2 },
  TerminateInstances: { capacity: 100, refillPerSecond: 5 },
  CreateSnapshot: { capacity: 100, refillPerSecond: 5 },
  CreateSnapshots: { capacity: 100, refillPerSecond: 5 },
  CreateVolume: { capacity: 100, refillPerSecond: 5 },
  // Of the EBS direct APIs.
  ListSnapshotBlocks: { capacity: 50, refillPerSecond: 50 },
  ListChangedBlocks: { capacity: 50, refillPerSecond: 50 },
  GetSnapshotBlock: { capacity: 1000, refillPerSecond: 1000 },
  CreateTags: { capacity: 100, refillPerSecond: 10 },
}
/** Route 53 counts all of its calls together, five in a second per account. */
const names: Bucket = { capacity: 5, refillPerSecond: 5 }
const nameCalls = new Set(['ChangeResourceRecordSets', 'ListResourceRecordSets', 'GetChange'])
const mutating: Bucket = { capacity: 50, refillPerSecond: 5 }
const reading: Bucket = { capacity: 100, refillPerSecond: 20 }
const readingUnpaged: Bucket = { capacity: 50, refillPerSecond: 10 }
/** The same for the resources that one request touches. */
const resourceBuckets: Record<string, Bucket> = {
  RunInstances: { capacity: 1000, refillPerSecond: 2 },
  StartInstances: { capacity: 1000, refillPerSecond: 2 },
  StopInstances: { capacity: 1000, refillPerSecond: 20 },
  TerminateInstances: { capacity: 1000, refillPerSecond: 20 },
}

/** Token buckets, one per operation with a row of its own and one for the rest of its kind. */
export class RateLimits {
  readonly #nowMs: () => number
  readonly #levels = new Map<string, { tokens: number; atMs: number }>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** False when the call is over the limit; takes nothing then. */
  admit(operation: string, options: InvokeOptions): boolean {
    const resources = resourceBuckets[operation]
    const wanted = [
      { ...requestBucketOf(operation, options), tokens: 1 },
      ...(resources && options.resources !== undefined ? [{ name: `${operation}#resources`, bucket: resources, tokens: options.resources }] : []),
    ]
    if (wanted.some(({ name, bucket, tokens }) => this.#level(name, bucket) < tokens)) return false
    for (const { name, bucket, tokens } of wanted) this.#levels.set(name, { tokens: this.#level(name, bucket) - tokens, atMs: this.#nowMs() })
    return true
  }

  #level(name: string, bucket: Bucket): number {
    const level = this.#levels.get(name)
    if (!level) return bucket.capacity
    return Math.min(bucket.capacity, level.tokens + ((this.#nowMs() - level.atMs) / 1000) * bucket.refillPerSecond)
  }
}

function requestBucketOf(operation: string, options: InvokeOptions): { readonly name: string; readonly bucket: Bucket } {
  const own = requestBuckets[operation]
  if (own) return { name: operation, bucket: own }
  if (nameCalls.has(operation)) return { name: 'names', bucket: names }
  if (/^(Describe|Get|List)/.test(operation)) {
    return options.unpaged ? { name: 'reading-unpaged', bucket: readingUnpaged } : { name: 'reading', bucket: reading }
  }
  return { name: 'mutating', bucket: mutating }
}
