import { Ajv } from 'ajv'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { readFileSync } from 'node:fs'

/** One operation of Microsoft's specifications. */
export interface ArmOperation {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly queries: readonly string[]
  /** The JSON Schema of the request's body; absent: it takes none. */
  readonly body?: object
  readonly bodyRequired?: boolean
  /** By HTTP status; `null`: without a body. */
  readonly responses: Readonly<Record<string, object | null>>
}

/** What a value has that its schema has not, or the other way about. */
export interface Misfit {
  /** Members from the top, for instance `properties.storageProfile.osDisk`; elements of lists by their index. */
  readonly path: string
  readonly kind: 'missing' | 'unknown' | 'word' | 'type'
  /** The member that is missing or unknown. */
  readonly member?: string
  /** The words that there are, of an enumeration. */
  readonly allowed?: readonly string[]
  readonly message: string
}

/** An extract of Microsoft's specifications (see `specs/README.md`), read once. */
export interface ArmSpecification {
  readonly operations: readonly ArmOperation[]
  /** The schemas that the operations name, as `#/definitions/…`. */
  readonly definitions: Readonly<Record<string, object>>
  /** The operation that this request is for; `undefined`: the extract has none. `path` begins with a slash and ends without one. */
  find(method: string, path: string): ArmOperation | undefined
  check(schema: object, value: unknown): readonly Misfit[]
}

let read: ArmSpecification | undefined

export function armSpecification(): ArmSpecification {
  return (read ??= open())
}

function open(): ArmSpecification {
  const { operations, definitions } = JSON.parse(readFileSync(new URL('specs/arm.json', import.meta.url), 'utf8')) as {
    readonly operations: readonly ArmOperation[]
    readonly definitions: Readonly<Record<string, object>>
  } // as it was cut
  const ajv = new Ajv({ strict: false, allErrors: true, inlineRefs: false })
  // Under one name, so that what many operations refer to is compiled once: three quarters of the work.
  ajv.addSchema({ $id: 'arm', definitions })
  const compiled = new Map<object, ValidateFunction>()
  const rules = operations.map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`, 'i'),
  }))
  return {
    operations,
    definitions,
    find: (method, path) => rules.find((rule) => rule.operation.method === method && rule.pattern.test(path))?.operation,
    check(schema, value) {
      const validate = compiled.get(schema) ?? ajv.compile(isReference(schema) ? { $ref: `arm${schema.$ref}` } : { ...schema, definitions })
      compiled.set(schema, validate)
      return validate(value) ? [] : (validate.errors ?? []).map(misfitOf)
    },
  }
}

const isReference = (schema: object): schema is { readonly $ref: string } =>
  '$ref' in schema && typeof schema.$ref === 'string' && Object.keys(schema).length === 1

function misfitOf({ instancePath, keyword, message = '', params }: ErrorObject): Misfit {
  const path = instancePath.slice(1).replaceAll('/', '.')
  const { missingProperty, additionalProperty, allowedValues } = params as {
    readonly missingProperty?: string
    readonly additionalProperty?: string
    readonly allowedValues?: readonly string[]
  } // of the keywords that have them
  if (keyword === 'required' && missingProperty !== undefined) return { path, kind: 'missing', member: missingProperty, message }
  if (keyword === 'additionalProperties' && additionalProperty !== undefined) return { path, kind: 'unknown', member: additionalProperty, message }
  if (keyword === 'enum' && allowedValues !== undefined) return { path, kind: 'word', allowed: allowedValues, message }
  return { path, kind: 'type', message }
}
