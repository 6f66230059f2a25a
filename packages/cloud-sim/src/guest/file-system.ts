import type { DataCentre } from '../datacentre/datacentre.ts'

/**
 * Files of a simulated guest. They are bytes of its volumes, so that a snapshot keeps them and a restore brings them back: a table in a
 * fixed place of each volume, written as a whole. The root volume is `/`, any other is mounted at `/mnt/` and the last part of its device.
 */
export class GuestFiles {
  readonly #dataCentre: DataCentre
  readonly #instanceId: string

  constructor(dataCentre: DataCentre, instanceId: string) {
    this.#dataCentre = dataCentre
    this.#instanceId = instanceId
  }

  read(path: string): Buffer | undefined {
    const { volumeId, inside } = this.#place(path)
    const text = this.#table(volumeId)[inside]
    return text === undefined ? undefined : Buffer.from(text, 'base64')
  }

  write(path: string, content: Buffer): void {
    const { volumeId, inside, readOnly } = this.#place(path)
    if (readOnly) throw new RangeError('Read-only file system')
    this.#store(volumeId, { ...this.#table(volumeId), [inside]: content.toString('base64') })
  }

  remove(path: string): void {
    const { volumeId, inside, readOnly } = this.#place(path)
    if (readOnly) throw new RangeError('Read-only file system')
    const { [inside]: _removed, ...rest } = this.#table(volumeId)
    this.#store(volumeId, rest)
  }

  /** Every file below a directory, by whole paths, sorted. */
  below(directory: string): readonly string[] {
    const start = directory === '/' ? '/' : `${directory}/`
    return this.#mounts()
      .flatMap(({ at, volumeId }) => Object.keys(this.#table(volumeId)).map((inside) => (at === '/' ? inside : `${at}${inside}`)))
      .filter((path) => path.startsWith(start))
      .toSorted()
  }

  /** By a path that a guest has for a device: its name, or a link that a cloud's rules make. False: there is no such device. */
  mount(device: string, at: string, readOnly: boolean): boolean {
    const instance = this.#dataCentre.instances.get(this.#instanceId)
    const lun = /\/(?:lun|by-lun\/)(\d+)$/.exec(device)?.[1]
    const volume = /_(vol)([0-9a-f]+)$/.exec(device)
    const name = /\/google-(.+)$/.exec(device)?.[1] ?? (lun === undefined ? device : `/dev/sd${String.fromCharCode(102 + Number(lun))}`)
    const found = instance?.blockDevices.find(({ deviceName, volumeId }) => deviceName === name || volumeId === `vol-${volume?.[2] ?? ''}`)
    if (found === undefined) return false
    mountsOf(this.#dataCentre, this.#instanceId).set(at, { volumeId: found.volumeId, readOnly })
    return true
  }

  unmount(at: string): boolean {
    return mountsOf(this.#dataCentre, this.#instanceId).delete(at)
  }

  isMounted(at: string): boolean {
    return mountsOf(this.#dataCentre, this.#instanceId).has(at)
  }

  #mounts(): readonly Mount[] {
    const instance = this.#dataCentre.instances.get(this.#instanceId)
    const byHand = [...mountsOf(this.#dataCentre, this.#instanceId)].map(([at, mount]) => ({ at, ...mount }))
    const byName = (instance?.blockDevices ?? []).map(({ deviceName, volumeId }) => ({
      readOnly: false,
      at: deviceName === instance?.rootDeviceName ? '/' : `/mnt/${deviceName.slice(deviceName.lastIndexOf('/') + 1)}`,
      volumeId,
    }))
    return [...byHand, ...byName]
  }

  #place(path: string): { readonly volumeId: string; readonly inside: string; readonly readOnly: boolean } {
    const mounts = this.#mounts()
    const mounted = mounts.find(({ at }) => at !== '/' && path.startsWith(`${at}/`))
    if (mounted !== undefined) return { ...mounted, inside: path.slice(mounted.at.length) }
    const root = mounts.find(({ at }) => at === '/')
    if (root === undefined) throw new Error(`${this.#instanceId} has no root volume`)
    return { ...root, inside: path }
  }

  #table(volumeId: string): Readonly<Record<string, string>> {
    const head = Buffer.from(this.#dataCentre.blocks.read(volumeId, tableOffset, headBytes))
    if (head.subarray(0, mark.length).toString() !== mark) return {}
    const bytes = this.#dataCentre.blocks.read(volumeId, tableOffset + headBytes, head.readUInt32BE(mark.length))
    return JSON.parse(Buffer.from(bytes).toString()) as Record<string, string> // as `#store` wrote it
  }

  #store(volumeId: string, table: Readonly<Record<string, string>>): void {
    const bytes = Buffer.from(JSON.stringify(table))
    if (bytes.length > tableMaxBytes) throw new RangeError('No space left on device')
    const head = Buffer.alloc(headBytes)
    head.write(mark)
    head.writeUInt32BE(bytes.length, mark.length)
    this.#dataCentre.blocks.write(volumeId, tableOffset, Buffer.concat([head, bytes]))
  }
}

interface Mount {
  readonly at: string
  readonly volumeId: string
  readonly readOnly: boolean
}

/** What scripts have mounted, until they unmount it. A guest that was started anew would have forgotten it: whoever mounts something says where. */
const mounted = new WeakMap<DataCentre, Map<string, Map<string, Omit<Mount, 'at'>>>>()
function mountsOf(dataCentre: DataCentre, instanceId: string): Map<string, Omit<Mount, 'at'>> {
  const guests = mounted.get(dataCentre) ?? new Map<string, Map<string, Omit<Mount, 'at'>>>()
  mounted.set(dataCentre, guests)
  const own = guests.get(instanceId) ?? new Map<string, Omit<Mount, 'at'>>()
  guests.set(instanceId, own)
  return own
}

/** Behind whatever tests write at the start of a volume. */
const tableOffset = 16 * 1024 * 1024
const tableMaxBytes = 4 * 1024 * 1024
const mark = 'SIMFILES'
const headBytes = mark.length + 4
