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
    const { volumeId, inside } = this.#place(path)
    this.#store(volumeId, { ...this.#table(volumeId), [inside]: content.toString('base64') })
  }

  remove(path: string): void {
    const { volumeId, inside } = this.#place(path)
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

  #mounts(): readonly { readonly at: string; readonly volumeId: string }[] {
    const instance = this.#dataCentre.instances.get(this.#instanceId)
    return (instance?.blockDevices ?? []).map(({ deviceName, volumeId }) => ({
      at: deviceName === instance?.rootDeviceName ? '/' : `/mnt/${deviceName.slice(deviceName.lastIndexOf('/') + 1)}`,
      volumeId,
    }))
  }

  #place(path: string): { readonly volumeId: string; readonly inside: string } {
    const mounts = this.#mounts()
    const mounted = mounts.find(({ at }) => at !== '/' && path.startsWith(`${at}/`))
    if (mounted !== undefined) return { volumeId: mounted.volumeId, inside: path.slice(mounted.at.length) }
    const root = mounts.find(({ at }) => at === '/')
    if (root === undefined) throw new Error(`${this.#instanceId} has no root volume`)
    return { volumeId: root.volumeId, inside: path }
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

/** Behind whatever tests write at the start of a volume. */
const tableOffset = 16 * 1024 * 1024
const tableMaxBytes = 4 * 1024 * 1024
const mark = 'SIMFILES'
const headBytes = mark.length + 4
