import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { CopySnapshotInput } from './api.ts'
import type { Page, Query, Snapshot, Tags, TimeMs, Volume } from './types.ts'
import type { World } from './world.ts'

/** EC2's limit for the general-purpose volume types. */
const pendingPerVolumeMax = 5
/** https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html: 20 to one destination region. */
const copiesAtOnceMax = 20
/** A copy is of no volume that exists: EC2 shows this one. */
const volumeOfCopies = 'vol-ffffffff'

interface How {
  readonly atMs: TimeMs
  readonly fails: boolean
  readonly atOnce: boolean
}

/** Snapshots: the bytes are fixed at once, the copy to durable storage takes its time. */
export class Snapshots {
  readonly #world: World
  /** Pending snapshots by volume. Derived. */
  readonly #pending = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
    for (const snapshot of world.state.snapshots.values()) if (snapshot.state === 'pending') this.#countPending(snapshot.volumeId, 1)
    world.timers.on('snapshot.completed', (timer) => this.#complete(timer.subject, timer.detail?.['fails'] === true))
  }

  /** One instant over all volumes; refused as a whole. */
  take(volumes: readonly Volume[], description: string, tagsOf: (volume: Volume) => Tags, atOnce = false): readonly Snapshot[] {
    for (const volume of volumes) {
      if ((this.#pending.get(volume.volumeId) ?? 0) >= pendingPerVolumeMax) {
        throw new SimError(
          'ConcurrentSnapshotLimitExceeded',
          `Maximum allowed in-progress snapshots for a single volume exceeded: ${volume.volumeId}`,
        )
      }
      if (volume.state !== 'in-use' && volume.state !== 'available') {
        throw new SimError('IncorrectState', `The volume '${volume.volumeId}' is in the '${volume.state}' state.`)
      }
    }
    const fails = this.#world.conditions.snapshotFailures > 0
    if (fails) this.#world.conditions.snapshotFailures--
    // Read once: on a clock that runs, two readings of it are two instants.
    const atMs = this.#world.now()
    return volumes.map((volume) => this.#takeOne(volume, description, tagsOf(volume), { atMs, fails, atOnce }))
  }

  /** The bytes of a completed snapshot of this region, in another one. It takes as long as taking one. */
  copy({ snapshotId, region, description, encrypted, kmsKeyId, tags, atOnceMax = copiesAtOnceMax }: CopySnapshotInput): Snapshot {
    const world = this.#world
    const source = this.need(snapshotId)
    if (source.state !== 'completed')
      throw new SimError('IncorrectState', `Snapshot '${snapshotId}' is not in a valid state: ${source.state}. It must be completed.`)
    const pending = [...world.state.snapshots.values()].filter((other) => other.region === region && other.state === 'pending')
    if (pending.length >= atOnceMax)
      throw new SimError('ResourceLimitExceeded', `Too many snapshot copies in progress. The limit is ${atOnceMax} for this destination region.`)
    const fails = world.conditions.snapshotFailures > 0
    if (fails) world.conditions.snapshotFailures--
    const delayMs = world.draw(world.latencies.snapshot)
    const copy: Snapshot = {
      snapshotId: world.id('snap'),
      volumeId: volumeOfCopies,
      sizeGiB: source.sizeGiB,
      encrypted: source.encrypted || encrypted === true,
      state: 'pending',
      description: description ?? `[Copied ${snapshotId} from ${world.region}] ${source.description}`,
      ownerId: world.accountId,
      startedAtMs: world.now(),
      completesAtMs: world.now() + delayMs,
      visibleAtMs: world.visibleAt(),
      tags: { ...tags },
      region,
    }
    // A key is of one region: without another one it is that region's own for EBS.
    if (copy.encrypted) copy.kmsKeyId = kmsKeyId ?? `arn:aws:kms:${region}:${world.accountId}:key/aws-ebs`
    world.blocks.freeze(copy.snapshotId, snapshotId)
    world.state.snapshots.set(copy.snapshotId, copy)
    world.tagIndex.add(copy.snapshotId, copy.tags)
    this.#countPending(copy.volumeId, 1)
    world.timers.after(delayMs, 'snapshot.completed', copy.snapshotId, 0, fails ? { fails: true } : undefined)
    return copy
  }

  /** Of the data centre's own region, or of copies in another. */
  describe(query: Query, region?: string): Page<Snapshot> {
    const { snapshots } = this.#world.state
    return select(query, {
      all: () => snapshots.values(),
      byId: (id) => snapshots.get(id),
      isVisible: (snapshot) => snapshot.region === region && this.#world.isVisible(snapshot),
      notFound: snapshotNotFound,
      tagsOf: (snapshot) => snapshot.tags,
      field: (snapshot, name) => this.#field(snapshot, name),
      candidates: (filter) => {
        if (!filter.name.startsWith('tag:')) return undefined
        const ids = filter.values.flatMap((value) => [...this.#world.tagIndex.find(filter.name.slice(4), value)])
        return ids.map((id) => snapshots.get(id)).filter((snapshot) => snapshot !== undefined)
      },
    })
  }

  delete(snapshotId: string, region?: string): void {
    const snapshot = this.need(snapshotId, region)
    for (const image of this.#world.state.images.values()) {
      if (image.rootSnapshotId === snapshotId && image.state === 'available') {
        throw new SimError('InvalidSnapshot.InUse', `The snapshot ${snapshotId} is currently in use by ${image.imageId}`)
      }
    }
    if (snapshot.state === 'pending') this.#countPending(snapshot.volumeId, -1)
    this.#world.state.snapshots.delete(snapshotId)
    this.#world.tagIndex.remove(snapshotId, snapshot.tags)
    this.#world.blocks.delete(snapshotId)
  }

  /** The cloud finds out that its bytes cannot be read. */
  spoil(snapshotId: string, region?: string): void {
    const snapshot = this.need(snapshotId, region)
    if (snapshot.state === 'pending') this.#countPending(snapshot.volumeId, -1)
    snapshot.state = 'error'
    snapshot.stateMessage = 'The data of the snapshot cannot be read.'
  }

  progressPercent(snapshot: Snapshot): number {
    if (snapshot.state === 'completed') return 100
    const span = snapshot.completesAtMs - snapshot.startedAtMs
    return span <= 0 ? 99 : Math.min(99, Math.max(0, Math.floor(((this.#world.now() - snapshot.startedAtMs) / span) * 100)))
  }

  need(snapshotId: string, region?: string): Snapshot {
    const snapshot = this.#world.state.snapshots.get(snapshotId)
    if (!snapshot || snapshot.region !== region || !this.#world.isVisible(snapshot)) throw snapshotNotFound(snapshotId)
    return snapshot
  }

  #takeOne(volume: Volume, description: string, tags: Tags, how: How): Snapshot {
    const world = this.#world
    const delayMs = how.atOnce ? 0 : world.draw(world.latencies.snapshot)
    const snapshot: Snapshot = {
      snapshotId: world.id('snap'),
      volumeId: volume.volumeId,
      sizeGiB: volume.sizeGiB,
      encrypted: volume.encrypted,
      state: 'pending',
      description,
      ownerId: world.accountId,
      startedAtMs: how.atMs,
      completesAtMs: how.atMs + delayMs,
      visibleAtMs: world.visibleAt(),
      tags: { ...tags },
    }
    if (volume.kmsKeyId !== undefined) snapshot.kmsKeyId = volume.kmsKeyId
    world.blocks.freeze(snapshot.snapshotId, volume.volumeId)
    world.state.snapshots.set(snapshot.snapshotId, snapshot)
    world.tagIndex.add(snapshot.snapshotId, snapshot.tags)
    this.#countPending(volume.volumeId, 1)
    if (how.atOnce) this.#complete(snapshot.snapshotId, how.fails)
    else world.timers.after(delayMs, 'snapshot.completed', snapshot.snapshotId, 0, how.fails ? { fails: true } : undefined)
    return snapshot
  }

  #complete(snapshotId: string, fails: boolean): void {
    const snapshot = this.#world.state.snapshots.get(snapshotId)
    if (snapshot?.state !== 'pending') return
    const { stuckVolumes, stuckSnapshots } = this.#world.conditions
    if (stuckVolumes.has(snapshot.volumeId)) {
      stuckSnapshots.set(snapshotId, () => this.#complete(snapshotId, fails))
      return
    }
    snapshot.state = fails ? 'error' : 'completed'
    if (fails) snapshot.stateMessage = 'An internal error occurred while the snapshot was taken.'
    else snapshot.completedAtMs = this.#world.now()
    this.#countPending(snapshot.volumeId, -1)
  }

  #countPending(volumeId: string, by: number): void {
    const count = (this.#pending.get(volumeId) ?? 0) + by
    if (count > 0) this.#pending.set(volumeId, count)
    else this.#pending.delete(volumeId)
  }

  #field(snapshot: Snapshot, name: string): readonly string[] | undefined {
    switch (name) {
      case 'snapshot-id':
        return [snapshot.snapshotId]
      case 'volume-id':
        return [snapshot.volumeId]
      case 'volume-size':
        return [String(snapshot.sizeGiB)]
      case 'status':
        return [snapshot.state]
      case 'progress':
        return [`${this.progressPercent(snapshot)}%`]
      case 'owner-id':
        return [snapshot.ownerId]
      case 'description':
        return [snapshot.description]
      case 'encrypted':
        return [String(snapshot.encrypted)]
      default:
        return undefined
    }
  }
}

const snapshotNotFound = (id: string): SimError => new SimError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`)
