import { SimError } from '../datacentre/sim-error.ts'
import { invalidValue, missingParameter } from './fault.ts'

/** A form field of the Query protocols: text, or a tree of what stood behind the dots. */
type Node = string | Map<string, Node>

/**
 * The parameters of one Query request. `Filter.1.Value.2=x` is read as a tree; EC2 numbers its lists directly
 * (`InstanceId.1`), the other services put `member` (or a name) between (`Targets.member.1.Id`). `list` takes both.
 */
export class Params {
  readonly #root: Map<string, Node>
  /** The dotted place of this tree in the request, for messages. */
  readonly path: string
  constructor(root: Map<string, Node>, path = '') {
    this.#root = root
    this.path = path
  }

  static fromForm(body: string): Params {
    const root = new Map<string, Node>()
    for (const [name, value] of new URLSearchParams(body)) insert(root, name, value)
    return new Params(root)
  }

  has(name: string): boolean {
    return this.#root.has(name)
  }

  names(): string[] {
    return [...this.#root.keys()]
  }

  /** Text, or undefined when absent. An empty text is what the client sent, not an absence. */
  optional(name: string): string | undefined {
    const node = this.#root.get(name)
    return typeof node === 'string' ? node : undefined
  }

  required(name: string): string {
    const value = this.optional(name)
    if (value === undefined || value === '') throw missingParameter(this.#named(name))
    return value
  }

  integer(name: string): number | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    if (!/^-?\d{1,15}$/.test(text)) throw invalidValue(text, this.#named(name), 'It must be a whole number.')
    return Number(text)
  }

  requiredInteger(name: string): number {
    const value = this.integer(name)
    if (value === undefined) throw missingParameter(this.#named(name))
    return value
  }

  boolean(name: string): boolean | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    if (text !== 'true' && text !== 'false')
      throw new SimError('InvalidParameterValue', `Invalid value '${text}' for ${this.#named(name)}: it must be true or false`)
    return text === 'true'
  }

  /** An instant in ISO 8601. Milliseconds since the epoch. */
  instant(name: string): number | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    const ms = Date.parse(text)
    if (Number.isNaN(ms)) throw invalidValue(text, this.#named(name), 'It must be a time in ISO 8601.')
    return ms
  }

  child(name: string): Params | undefined {
    const node = this.#root.get(name)
    return node instanceof Map ? new Params(node, this.#named(name)) : undefined
  }

  /** The texts of a list, in the order of their numbers. */
  texts(name: string): string[] {
    const texts: string[] = []
    for (const [, node] of this.#items(name)) if (typeof node === 'string') texts.push(node)
    return texts
  }

  /** The structures of a list, in the order of their numbers. */
  list(name: string): Params[] {
    const items: Params[] = []
    for (const [index, node] of this.#items(name)) if (node instanceof Map) items.push(new Params(node, `${this.#named(name)}.${index}`))
    return items
  }

  /** A name for a message: `Filter.1.Name`. */
  #named(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  #items(name: string): [number, Node][] {
    const node = this.#root.get(name)
    if (!(node instanceof Map)) return []
    const numbered = [...node].filter(([key]) => /^\d+$/.test(key)).map(([key, item]): [number, Node] => [Number(key), item])
    if (numbered.length > 0) return numbered.toSorted(([a], [b]) => a - b)
    // `Targets.member.1` and `Attributes.entry.1`: one word, then the numbers.
    const [inner] = [...node.values()]
    return node.size === 1 && inner instanceof Map ? new Params(node, this.#named(name)).#items([...node.keys()][0] ?? '') : []
  }
}

function insert(root: Map<string, Node>, name: string, value: string): void {
  const steps = name.split('.')
  // A deep name is not a request anybody makes; it would only cost us memory.
  if (steps.length > 12) throw new SimError('InvalidParameter', `The parameter ${name.slice(0, 100)} is not recognized`)
  let at = root
  for (const step of steps.slice(0, -1)) {
    let next = at.get(step)
    if (!(next instanceof Map)) {
      next = new Map()
      at.set(step, next)
    }
    at = next
  }
  const last = steps.at(-1) ?? name
  // `Tag=` beside `Tag.1.Key=…` would hide the tree: an empty list is sent that way.
  if (!(at.get(last) instanceof Map)) at.set(last, value)
}
