import type { Body, Call, Route } from './call.ts'
import { nameIn, objectsIn, textIn } from './call.ts'
import { change } from './change.ts'
import { alreadyExists, GoogleError, invalid, notFound, required } from './fault.ts'
import { matches } from './filter.ts'
import type { FirewallRecord, Project } from './project.ts'

/** Firewall rules of networks. They are kept and shown; what they would let through is not simulated. */
export const firewallRoutes: readonly Route[] = [
  { operation: 'firewalls.get', run: (call) => view(call.project, firewallIn(call)) },
  { operation: 'firewalls.list', run: list },
  change('firewalls.insert', insert),
  change('firewalls.patch', patch),
  change('firewalls.delete', remove),
]

const pathOf = (project: Project, name: string): string => `projects/${project.id}/global/firewalls/${name}`

function firewallIn({ project, path }: Call): FirewallRecord {
  const wanted = path['firewall'] ?? ''
  const found = project.firewalls.find(({ name, id }) => name === wanted || id === wanted)
  if (found === undefined) throw notFound(pathOf(project, wanted))
  return found
}

function list({ project, query }: Call): object {
  const items = project.firewalls
    .filter((record) => matches(query.get('filter') ?? undefined, { ...record, labels: {} }))
    .map((record) => view(project, record))
  return { kind: 'compute#firewallList', id: `projects/${project.id}/global/firewalls`, ...(items.length === 0 ? {} : { items }) }
}

const view = (project: Project, { id, name, rule, createdAtMs }: FirewallRecord): object => ({
  ...rule,
  ...{ kind: 'compute#firewall', id, name, selfLink: project.url(pathOf(project, name)) },
  network: project.url(
    (textIn(rule, 'network') ?? 'global/networks/default').replace(/^.*\/compute\/v1\//, '').replace(/^(?=global\/)/, `projects/${project.id}/`),
  ),
  creationTimestamp: new Date(createdAtMs).toISOString(),
  logConfig: { enable: false },
})

function insert(call: Call): object {
  const { project, body, requestId } = call
  const name = nameIn(body, 'resource.name')
  if (project.firewalls.some((record) => record.name === name)) throw alreadyExists(pathOf(project, name))
  const record: FirewallRecord = { id: project.newId(), name, rule: checked(body), createdAtMs: project.dataCentre.now() }
  project.firewalls.push(record)
  return project.operations.begin({ zone: '', type: 'insert', target: `firewalls/${name}`, targetId: record.id }, { requestId })
}

function patch(call: Call): object {
  const { project, body, requestId } = call
  const record = firewallIn(call)
  record.rule = checked({ ...record.rule, ...body })
  return project.operations.begin({ zone: '', type: 'patch', target: `firewalls/${record.name}`, targetId: record.id }, { requestId })
}

/** Google lets go of a rule whoever has the tag that it is for. */
function remove(call: Call): object {
  const { project, requestId } = call
  const record = firewallIn(call)
  project.firewalls.splice(project.firewalls.indexOf(record), 1)
  return project.operations.begin({ zone: '', type: 'delete', target: `firewalls/${record.name}`, targetId: record.id }, { requestId })
}

/** With what Google fills in. */
function checked(body: Body): Body {
  const direction = textIn(body, 'direction') ?? 'INGRESS'
  if (direction !== 'INGRESS' && direction !== 'EGRESS') throw invalid('resource.direction', direction)
  const { priority = 1000, allowed, denied } = body
  if (typeof priority !== 'number' || !Number.isInteger(priority) || priority < 0 || priority > 65_535) throw invalid('resource.priority', priority)
  if ((allowed === undefined) === (denied === undefined))
    throw new GoogleError(400, 'invalid', 'Exactly one of allowed and denied must be specified.')
  for (const entry of objectsIn(allowed ?? denied)) if (textIn(entry, 'IPProtocol') === undefined) throw required('resource.allowed[0].IPProtocol')
  const side = direction === 'INGRESS' ? 'sourceRanges' : 'destinationRanges'
  if (direction === 'EGRESS' && body['sourceRanges'] !== undefined) throw invalid('resource.sourceRanges', body['sourceRanges'])
  const ranges = textsIn(body[side], `resource.${side}`)
  if (new Set(ranges.map((range) => range.includes(':'))).size > 1)
    throw invalid(`resource.${side}`, ranges.join(', '), 'IPv4 and IPv6 ranges cannot be in one rule.')
  for (const tag of textsIn(body['targetTags'], 'resource.targetTags'))
    if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(tag)) throw invalid('resource.targetTags', tag)
  return { disabled: false, ...body, direction, priority, [side]: ranges.length === 0 ? ['0.0.0.0/0'] : ranges }
}

function textsIn(value: unknown, field: string): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw invalid(field, JSON.stringify(value))
  return value as string[] // as just checked
}
