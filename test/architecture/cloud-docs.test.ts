import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './sources.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Policy {
  readonly Statement: readonly { readonly Action: string | readonly string[] }[]
}

test('the policy for AWS allows what its adapter calls, what launching and encryption need beside that, and nothing else', () => {
  const [, json = '{}'] = /```json\n([\s\S]*?)```/.exec(read('docs/clouds/aws.md')) ?? []
  const { Statement } = JSON.parse(json) as Policy
  const allowed = new Set(Statement.flatMap(({ Action }) => Action))
  const called = [...read('packages/provider-aws/README.md').matchAll(/^\| \w+ +\| ([a-z0-9]+:\w+) +\|/gm)].map(([, action = '']) => action)
  expect(called.length).toBeGreaterThan(30)
  expect(called.filter((action) => !allowed.has(action))).toEqual([])
  expect([...allowed].filter((action) => !called.includes(action) && !/^(iam|kms):/.test(action))).toEqual([])
})

test('the role for Google Cloud has a permission for each call of its adapter', () => {
  const role = read('docs/clouds/gcp.md')
  const permissions = new Set([...role.matchAll(/^ +- ((?:compute|dns|pubsub|iam)\.\w+\.\w+)$/gm)].map(([, permission = '']) => permission))
  expect(permissions.size).toBeGreaterThan(50)
  const files = ['clients', 'storage-calls', 'traffic-calls', 'firewall-calls'].map((name) => read(`packages/provider-gcp/src/${name}.ts`)).join('\n')
  const calls = new Set(
    [...files.matchAll(/\b(\w+)\.(\w+?)(?:Async)?\(\s*\{\s*project\b/g)].map(([, client = '', method = '']) => `${client}.${method}`),
  )
  expect(calls.size).toBeGreaterThan(30)
  const missing = [...calls].filter((call) => !permissionsOf(call).every((permission) => permissions.has(`compute.${permission}`)))
  expect(missing).toEqual([])
})

/** Where a method's permission has another name than the method. */
const otherNames: Readonly<Record<string, string>> = { insert: 'create', aggregatedList: 'list', wait: 'get', patch: 'update', getHealth: 'get' }

function permissionsOf(call: string): readonly string[] {
  const [client = '', method = ''] = call.split('.')
  if (client === 'instanceGroups') return method === 'listInstances' ? ['instanceGroups.list'] : ['instanceGroups.update']
  if (client === 'networkEndpointGroups' && method === 'listNetworkEndpoints') return ['networkEndpointGroups.get']
  if (client === 'disks' && method === 'addResourcePolicies') return ['disks.addResourcePolicies', 'resourcePolicies.use']
  return [`${client}.${otherNames[method] ?? method}`]
}
