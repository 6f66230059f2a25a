import type { Json, JsonObject } from '@understudy/core'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
}

/** A sound body with one thing wrong, and what. */
export interface Broken {
  readonly what: string
  readonly body: JsonObject
}

/**
 * Every way in which a body can be spoiled in one place, by its schema: a required member left out, a word that is in no enumeration, a
 * member that there is not, a value of another type.
 */
export function misfitsOf(schema: object, body: JsonObject, definitions: Readonly<Record<string, object>>): readonly Broken[] {
  const found: Broken[] = []
  walk(schema as Schema, body, []) // a JSON Schema, as it was cut
  return found

  function spoil(what: string, path: readonly (string | number)[], change: (holder: Record<string | number, Json>, last: string | number) => void) {
    const copy = structuredClone(body)
    const last = path.at(-1) ?? ''
    const holder = path.slice(0, -1).reduce<Json>((value, part) => (value as Record<string | number, Json>)[part] ?? null, copy) // the walk came this way
    change(holder as Record<string | number, Json>, last) // an object or a list: the walk came this way
    found.push({ what: `${path.join('.')}: ${what}`, body: copy })
  }

  function walk(named: Schema, value: Json | undefined, path: readonly (string | number)[]): void {
    const { $ref } = named
    const here = $ref === undefined ? named : (definitions[$ref.replace('#/definitions/', '')] as Schema) // the extract is closed
    if (path.length > 0 && here.enum !== undefined) spoil('a word that there is not', path, (holder, last) => void (holder[last] = 'Nonsense'))
    if (path.length > 0 && here.type === 'integer') spoil('a text', path, (holder, last) => void (holder[last] = 'many'))
    if (path.length > 0 && here.type === 'boolean') spoil('a text', path, (holder, last) => void (holder[last] = 'yes'))
    if (Array.isArray(value)) {
      if (here.items !== undefined && value.length > 0) walk(here.items, (value as Json[])[0], [...path, 0])
      return
    }
    if (typeof value !== 'object' || value === null || here.properties === undefined) return
    const members = value as JsonObject // neither a list nor null
    if (here.additionalProperties === false) spoil('a member that there is not', [...path, 'propertys'], (holder, last) => void (holder[last] = {}))
    for (const member of here.required ?? [])
      if (member in members) spoil('left out', [...path, member], (holder, last) => void Reflect.deleteProperty(holder, last))
    for (const [member, schema] of Object.entries(here.properties)) if (member in members) walk(schema, members[member], [...path, member])
  }
}
