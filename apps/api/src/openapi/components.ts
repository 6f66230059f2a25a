import { routes } from '@understudy/contract'

type Node = { [key: string]: unknown }

/**
 * Every named schema comes in two forms, as it is read and as it is written (`XInput`). Where only one is used, or both say the
 * same, one is kept, under the plain name; what nothing refers to is left out. Names come out in order.
 */
export function tidyComponents(document: object): object {
  const root = structuredClone(document) as Node & { components: { schemas: Record<string, Node> } }
  const { schemas } = root.components
  for (const name of Object.keys(schemas)) {
    const input = schemas[`${name}Input`]
    const output = schemas[name]
    if (input === undefined || output === undefined) continue
    const used = reachable(root)
    if (used.has(name) && used.has(`${name}Input`) && !says(input, output)) continue
    if (!used.has(name)) schemas[name] = input
    if (used.has(`${name}Input`)) rename(root, `${name}Input`, name)
    delete schemas[`${name}Input`]
  }
  const used = reachable(root)
  root.components.schemas = Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => used.has(name))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => [name, withoutId(schema)]),
  )
  orderPaths(root)
  shareProblems(root)
  return root
}

/** Paths in the order of the contract; bodies that may be left out are not demanded. */
function orderPaths(root: Node): void {
  const paths = root['paths'] as Record<string, Record<string, { requestBody?: { required?: boolean } }>>
  const ordered: typeof paths = {}
  for (const { url, method, schema } of routes) {
    const path = paths[url]
    if (path === undefined) continue
    ordered[url] = path
    const { requestBody } = path[method.toLowerCase()] ?? {}
    if (requestBody) requestBody.required = schema.body?.safeParse(undefined).success !== true
  }
  root['paths'] = ordered
}

/** The same problem of many routes is described once. */
function shareProblems(root: Node & { components: Node }): void {
  const shared: Record<string, unknown> = {}
  for (const path of Object.values(root['paths'] as Record<string, Record<string, { responses?: Record<string, Node> }>>)) {
    for (const { responses } of Object.values(path)) {
      for (const [status, answer] of Object.entries(responses ?? {})) {
        const content = answer['content']
        if (responses === undefined || typeof content !== 'object' || content === null || !('application/problem+json' in content)) continue
        shared[`Problem${status}`] = answer
        responses[status] = { $ref: `#/components/responses/Problem${status}` }
      }
    }
  }
  root.components['responses'] = Object.fromEntries(Object.entries(shared).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const prefix = '#/components/schemas/'

/** Names that the paths refer to, directly or through other schemas. */
function reachable(root: Node & { components: { schemas: Record<string, Node> } }): Set<string> {
  const found = new Set<string>()
  const open: unknown[] = [root['paths']]
  while (open.length > 0) {
    visitRefs(open.pop(), (name) => {
      if (found.has(name)) return
      found.add(name)
      open.push(root.components.schemas[name])
    })
  }
  return found
}

function visitRefs(node: unknown, visit: (name: string, holder: Node) => void): void {
  if (Array.isArray(node)) for (const item of node) visitRefs(item, visit)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  for (const [key, member] of Object.entries(node)) {
    if (key === '$ref' && typeof member === 'string' && member.startsWith(prefix)) visit(member.slice(prefix.length), node as Node)
    else visitRefs(member, visit)
  }
}

function rename(root: Node, from: string, to: string): void {
  visitRefs(root, (name, holder) => {
    if (name === from) holder['$ref'] = prefix + to
  })
}

/** Whether two schemas say the same, whichever form they refer to. */
const says = (a: Node, b: Node): boolean => normal(a) === normal(b)
const normal = (node: Node): string =>
  JSON.stringify(withoutId(node)).replaceAll(/"#\/components\/schemas\/(\w+?)Input"/g, '"#/components/schemas/$1"')

/** The name is in the document already; and without a base every `$id` would be wrong. */
function withoutId(schema: Node): Node {
  const { id: _id, $id: _dollar, $schema: _schema, ...rest } = schema
  return rest
}
