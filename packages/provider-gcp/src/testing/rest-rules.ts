import { createRequire } from 'node:module'

/**
 * The HTTP rules and messages that Google ships with its SDK, as an oracle over what goes over the wire: which call a method
 * and a path are, and whether a query and a body have only fields that exist, of the types that they have.
 */
interface Field {
  readonly rule?: string
  readonly keyType?: string
  readonly type: string
}
interface Message {
  readonly fields?: Readonly<Record<string, Field>>
  readonly nested?: Readonly<Record<string, Message>>
  readonly values?: Readonly<Record<string, number>>
}
interface Rpc {
  readonly requestType: string
  readonly responseType: string
  readonly options?: Readonly<Record<string, string>>
}
interface Rule {
  readonly name: string
  readonly method: string
  readonly path: RegExp
  readonly names: readonly string[]
  readonly body: string | undefined
  readonly request: string
  readonly response: string
}

const verbs = ['get', 'post', 'put', 'patch', 'delete'] as const

export function restRules(): {
  /** What is wrong with an exchange; empty: nothing. */
  problemsOf(exchange: {
    readonly method: string
    readonly url: URL
    readonly requestBody: unknown
    readonly status: number
    readonly responseBody: unknown
  }): readonly string[]
} {
  const v1 = loadMessages()
  const rules = rulesOf(v1)
  return {
    problemsOf({ method, url, requestBody, status, responseBody }) {
      const rule = rules.find((candidate) => candidate.method === method && candidate.path.test(url.pathname))
      if (rule === undefined) return [`no call is ${method} ${url.pathname}`]
      const problems: string[] = []
      const fields = v1[rule.request]?.fields ?? {}
      for (const [name, value] of url.searchParams) {
        const field = fields[camel(name)]
        if (field === undefined || rule.names.includes(camel(name))) problems.push(`${rule.name}: no parameter ${name}`)
        else if (field.type === 'bool' && value !== 'true' && value !== 'false') problems.push(`${rule.name}: ${name} is not a boolean`)
        else if (field.type.endsWith('32') && !/^\d+$/.test(value)) problems.push(`${rule.name}: ${name} is not a number`)
      }
      const bodyType = rule.body === undefined ? undefined : fields[camel(rule.body)]?.type
      if (bodyType !== undefined) check(v1, bodyType, requestBody, `${rule.name} request`, problems)
      else if (typeof requestBody === 'object' && Object.keys(requestBody ?? {}).length > 0) problems.push(`${rule.name}: takes no body`)
      if (status < 300) check(v1, rule.response, responseBody, `${rule.name} response`, problems)
      return problems
    },
  }
}

type Messages = Readonly<Record<string, Message & { readonly methods?: Readonly<Record<string, Rpc>> }>>

function loadMessages(): Messages {
  let node = createRequire(import.meta.url)('@google-cloud/compute/build/protos/protos.json') as Nested // the SDK's own file
  for (const name of ['google', 'cloud', 'compute', 'v1']) node = node.nested[name] ?? { nested: {} }
  return node.nested as unknown as Messages
}
interface Nested {
  readonly nested: { readonly [name: string]: Nested }
}

function rulesOf(v1: Messages): Rule[] {
  return Object.entries(v1).flatMap(([service, { methods = {} }]) =>
    Object.entries(methods).flatMap(([name, { options = {}, requestType, responseType }]): Rule[] => {
      const verb = verbs.find((candidate) => options[`(google.api.http).${candidate}`] !== undefined)
      if (verb === undefined) return []
      const template = options[`(google.api.http).${verb}`] ?? ''
      const names = [...template.matchAll(/\{(\w+)/g)].map(([, field = '']) => camel(field))
      const path = new RegExp(`^${template.replace(/\{\w+=[^}]*\}/g, '(.+)').replace(/\{\w+\}/g, '([^/]+)')}$`)
      return [
        {
          name: `${service}.${name}`,
          method: verb.toUpperCase(),
          path,
          names,
          body: options['(google.api.http).body'],
          request: requestType,
          response: responseType,
        },
      ]
    }),
  )
}

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

function check(v1: Messages, type: string, value: unknown, at: string, problems: string[]): void {
  const message = find(v1, type)
  if (message?.fields === undefined) return // an enum, whose values Google writes as text
  if (!isObject(value)) {
    problems.push(`${at}: ${type} is no object`)
    return
  }
  const scope = { ...v1, ...message.nested }
  const byName = new Map(Object.entries(message.fields).map(([name, field]) => [spelled(name), field]))
  for (const [name, member] of Object.entries(value)) {
    const field = byName.get(spelled(name))
    const where = `${at}.${name}`
    if (field === undefined) problems.push(`${where}: ${type} has no such field`)
    else if (field.keyType !== undefined) {
      if (!isObject(member)) problems.push(`${where}: is no map`)
      else for (const [key, item] of Object.entries(member)) checkOne(scope, field.type, item, `${where}.${key}`, problems)
    } else if (field.rule === 'repeated') {
      if (!Array.isArray(member)) problems.push(`${where}: is no list`)
      else member.forEach((item, index) => checkOne(scope, field.type, item, `${where}[${index}]`, problems))
    } else checkOne(scope, field.type, member, where, problems)
  }
}

/** `networkIP` on the wire is `networkIP` or `network_i_p` in the messages; compared without case and bars. */
const spelled = (name: string): string => name.replaceAll('_', '').toLowerCase()
const find = (v1: Messages, type: string): Message | undefined => v1[type] ?? v1[type.slice(type.lastIndexOf('.') + 1)]

function checkOne(v1: Messages, type: string, value: unknown, at: string, problems: string[]): void {
  const expected =
    type === 'string' || type.endsWith('64')
      ? 'string'
      : type === 'bool'
        ? 'boolean'
        : type.endsWith('32') || type === 'double' || type === 'float'
          ? 'number'
          : undefined
  if (expected === undefined) check(v1, type, value, at, problems)
  else if (typeof value !== expected) problems.push(`${at}: is ${typeof value}, and should be ${expected}`)
}
