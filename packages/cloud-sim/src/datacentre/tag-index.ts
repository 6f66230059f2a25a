import type { Tags } from './types.ts'

/** Which ids carry a tag, so that a search by tag costs what it finds. Derived from the records: never stored. */
export class TagIndex {
  readonly #ids = new Map<string, Set<string>>()

  add(id: string, tags: Readonly<Tags>): void {
    for (const [key, value] of Object.entries(tags)) {
      const entry = entryOf(key, value)
      const ids = this.#ids.get(entry)
      if (ids) ids.add(id)
      else this.#ids.set(entry, new Set([id]))
    }
  }

  remove(id: string, tags: Readonly<Tags>): void {
    for (const [key, value] of Object.entries(tags)) {
      const entry = entryOf(key, value)
      const ids = this.#ids.get(entry)
      if (!ids) continue
      ids.delete(id)
      if (ids.size === 0) this.#ids.delete(entry)
    }
  }

  find(key: string, value: string): ReadonlySet<string> {
    return this.#ids.get(entryOf(key, value)) ?? none
  }
}

const none: ReadonlySet<string> = new Set()
const entryOf = (key: string, value: string): string => `${key.length}:${key}=${value}`
