import type { DataCentre } from '@understudy/cloud-sim'
import type { JsonObject } from '@understudy/core'

/** A simulated cloud with one machine after another in it, as a rollback looks at them from outside. */
export interface Site {
  /** What `createAccount` takes. */
  readonly account: {
    readonly name: string
    readonly provider: string
    readonly region: string
    readonly nativeAccount: string
    readonly settings: JsonObject
    readonly credentials: JsonObject
  }
  readonly dataCentre: DataCentre
  readonly clock: { setSpeed(speed: number): void; nowMs(): number }
  readonly speed: number
  /** A running on-demand machine with a root and, where nothing else was asked for, two data disks, by its id. */
  make(name: string): Promise<string>
  /** Of the data centre behind it. */
  instanceIdOf(nativeId: string): string
  /** Of all disks, the root first, as the cloud's own books have them. */
  attachments(nativeId: string): readonly Attachment[]
  /** What the cloud calls the machine's own addresses. */
  addresses(nativeId: string): readonly string[]
  /** What can reach a machine of the data centre, and what it can: as the cloud's own books have it. */
  seclusion(instanceId: string): Seclusion | undefined
  /** How many network security groups or firewall rules there are. */
  guards(): number
  /** Of the data centre: which bytes a member of a set stands for. */
  snapshotIdOf(member: string): string
  /** Deletes what keeps a member of a set, through the cloud's API, as somebody who tidies up would. */
  lose(member: string): Promise<void>
  /** How many addresses of snapshots are good now, where the cloud gives such. */
  openAddresses?(): number
  close(): Promise<void>
}

export interface Attachment {
  readonly device: string
  readonly volumeId: string
  readonly deletes: boolean
}

export interface Seclusion {
  /** `deny EGRESS 0.0.0.0/0`, by priority. */
  readonly rules: readonly string[]
  readonly identity: boolean
  readonly publicAddress: boolean
}

/** Everything takes seconds, and a thousandth of an hour has to be waited for nowhere. */
const quick = { minMs: 1_000, maxMs: 3_000 }
export const latencies = {
  pending: quick,
  boot: quick,
  stopping: quick,
  shuttingDown: quick,
  attach: quick,
  detach: quick,
  snapshot: { minMs: 4_000, maxMs: 8_000 },
}

/** Lets time pass in which nobody asks anything: clouds make few snapshots of a disk in an hour. */
export async function letPass({ clock, speed }: Pick<Site, 'clock' | 'speed'>, ms: number): Promise<void> {
  const untilMs = clock.nowMs() + ms
  clock.setSpeed(10_000)
  while (clock.nowMs() < untilMs) await new Promise((resolve) => setImmediate(resolve))
  clock.setSpeed(speed)
}
