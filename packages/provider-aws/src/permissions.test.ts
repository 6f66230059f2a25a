import { startSimServer } from '@understudy/cloud-sim'
import type { SimServer } from '@understudy/cloud-sim'
import { seededRandom } from '@understudy/core'
import type { PermissionFinding } from '@understudy/provider'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAwsProvider } from './aws-provider.ts'

let server: SimServer
let queueUrl: string
beforeAll(async () => {
  server = await startSimServer({ listeners: false })
  queueUrl = (await server.endpoints()).queues[0]?.url ?? ''
})
afterAll(() => server.close())

let serial = 0
/** Through the real SDK, with a key that may not call some actions. */
async function check(
  deny: readonly string[],
  more: { readonly installation?: string; readonly eventsQueueUrl?: string } = {},
): Promise<readonly PermissionFinding[]> {
  const credentials = { accessKeyId: `AKIALIMITED${String(++serial).padStart(9, '0')}`, secretAccessKey: `only for number ${serial}` }
  server.keys.add({ ...credentials, deny })
  const provider = createAwsProvider({
    scope: { account: server.dataCentre.accountId, region: server.region },
    credentials,
    endpoint: server.url,
    installation: 'verifying',
    clock: server.clock,
    random: seededRandom(1),
    ...more,
  })
  try {
    return (await provider.permissions?.check()) ?? []
  } finally {
    await provider.close()
  }
}
const missing = (findings: readonly PermissionFinding[]): string[] =>
  findings.filter(({ outcome }) => outcome === 'missing').map(({ capability, permission }) => `${capability} ${permission}`)

describe('permissions', () => {
  it('are all granted to a key that nothing is denied to, and nothing has changed in the region', async () => {
    const before = server.dataCentre.instances.describe({}).items.length
    const findings = await check([], { eventsQueueUrl: queueUrl })
    expect(findings.filter(({ outcome }) => outcome !== 'granted')).toEqual([])
    expect(server.dataCentre.instances.describe({}).items).toHaveLength(before)
  })

  it('that are asked about are those of the table in the README, but for the one that says who we are', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const listed = [...readme.matchAll(/^\| \w+ +\| ((?:ebs|ec2|elasticloadbalancing|route53|sqs|ssm):\w+) +\|/gm)].map(([, action]) => action)
    expect((await check([], { eventsQueueUrl: queueUrl })).map(({ permission }) => permission).toSorted()).toEqual(listed.toSorted())
  })

  it.each([
    ['ec2:RunInstances', 'compute'],
    ['ec2:TerminateInstances', 'compute'],
    ['ec2:DescribeInstances', 'inventory'],
    ['ec2:CreateTags', 'labels'],
    ['ec2:CreateSnapshots', 'snapshots'],
    ['ec2:AssociateAddress', 'traffic'],
    ['elasticloadbalancing:ModifyListener', 'traffic'],
    ['elasticloadbalancing:DescribeTargetHealth', 'traffic'],
    ['sqs:ReceiveMessage', 'signals'],
    ['sqs:DeleteMessage', 'signals'],
    ['ec2:DescribeSpotPriceHistory', 'market'],
  ])('%s that is denied is missing for %s, and nothing else is', async (action, capability) => {
    expect(missing(await check([action], { eventsQueueUrl: queueUrl }))).toEqual([`${capability} ${action}`])
  })

  it('of a whole service that is denied are missing one by one', async () => {
    const findings = await check(['elasticloadbalancing:*'])
    expect(missing(findings)).toEqual(
      ['DeregisterTargets', 'DescribeListeners', 'DescribeRules', 'DescribeTargetHealth', 'ModifyListener', 'ModifyRule', 'RegisterTargets'].map(
        (action) => `traffic elasticloadbalancing:${action}`,
      ),
    )
  })

  it('of a queue are not asked about where none is configured', async () => {
    expect((await check(['sqs:*'])).filter(({ permission }) => permission.startsWith('sqs:'))).toEqual([])
  })
})
