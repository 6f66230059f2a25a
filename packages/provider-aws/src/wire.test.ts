import { VirtualClock } from '@understudy/core'
import type { Provider } from '@understudy/provider'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { adapterAgainst, contextOf, instancesXml, instanceXml, letTimePass, refTo } from './testing/adapter-under-test.ts'
import { someDna, someSpec } from './testing/dna.ts'
import { ec2Answer, ec2Error, scriptedEndpoint } from './testing/scripted-endpoint.ts'
import type { ReceivedCall, Scripted } from './testing/scripted-endpoint.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Script = (call: ReceivedCall, count: number) => Scripted | undefined

const subnets = ['a', 'b', 'c']
  .map((letter) => `<item><subnetId>subnet-${letter}</subnetId><vpcId>vpc-1</vpcId><availabilityZone>eu-west-1${letter}</availabilityZone></item>`)
  .join('')
const volumeXml = `<item><volumeId>vol-1</volumeId><attachmentSet><item><instanceId>i-1</instanceId><device>/dev/xvda</device></item></attachmentSet></item>`
const snapshotXml = `<item><snapshotId>snap-1</snapshotId><volumeId>vol-1</volumeId><status>completed</status></item>`

/** Answers what a region in good health would; the script overrides. */
function usual({ action, params }: ReceivedCall): Scripted {
  switch (action) {
    case 'DescribeInstances':
      return ec2Answer(action, instancesXml(instanceXml(params.get('Filter.1.Value.1') ?? 'i-1', '<rootDeviceName>/dev/xvda</rootDeviceName>')))
    case 'DescribeSubnets':
      return ec2Answer(action, `<subnetSet>${subnetsFor(params)}</subnetSet>`)
    case 'DescribeVolumes':
      return ec2Answer(action, `<volumeSet>${volumeXml}</volumeSet>`)
    case 'RunInstances':
      return ec2Answer(action, `<instancesSet>${instanceXml('i-0new')}</instancesSet>`)
    case 'CreateSnapshots':
      return ec2Answer(action, `<snapshotSet>${snapshotXml}</snapshotSet>`)
    default:
      return ec2Answer(action)
  }
}

function subnetsFor(params: URLSearchParams): string {
  const wanted = params.get('Filter.1.Name') === 'subnet-id' ? params.get('Filter.1.Value.1') : `subnet-${params.get('Filter.2.Value.1')?.at(-1)}`
  return subnets
    .split('</item>')
    .filter((item) => item.includes(`>${wanted}<`))
    .map((item) => `${item}</item>`)
    .join('')
}

async function against(script: Script, more: Parameters<typeof adapterAgainst>[1] = {}) {
  const clock = new VirtualClock()
  const endpoint = await scriptedEndpoint((call, count) => script(call, count) ?? usual(call))
  const open = (): Provider => {
    const provider = adapterAgainst(endpoint.url, { clock, ...more })
    closing.unshift(() => provider.close())
    return provider
  }
  closing.push(() => endpoint.close())
  return { clock, endpoint, open, provider: open(), run: <T>(work: Promise<T>) => letTimePass(clock, work) }
}
const launch = (provider: Provider, name = 'launch') => provider.compute.provision(someDna(), someSpec(), contextOf(name))
const failing =
  (action: string, answer: Scripted, times = Number.POSITIVE_INFINITY): Script =>
  (call, count) =>
    call.action === action && count <= times ? answer : undefined

describe('launching', () => {
  it('is sent once when there is no capacity, which EC2 says with status 500', async () => {
    const { endpoint, provider, run } = await against(failing('RunInstances', ec2Error('InsufficientInstanceCapacity', 500)))
    await expect(run(launch(provider))).rejects.toMatchObject({
      shape: { kind: 'insufficient_capacity', httpStatus: 500, avoid: { instanceType: 'm7i.large', zone: 'eu-west-1b', purchase: 'on-demand' } },
    })
    expect(endpoint.of('RunInstances')).toHaveLength(1)
  })

  it('is sent once when there are too many calls', async () => {
    const { endpoint, provider, run } = await against(failing('RunInstances', ec2Error('RequestLimitExceeded', 503)))
    await expect(run(launch(provider))).rejects.toMatchObject({ shape: { kind: 'throttled', retryable: true } })
    expect(endpoint.of('RunInstances')).toHaveLength(1)
  })

  it('carries our own token, the same one after a lost answer and in another process', async () => {
    const { endpoint, provider, open, run } = await against(failing('RunInstances', 'reset', 1))
    await run(launch(provider))
    await run(launch(open()))
    const tokens = endpoint.of('RunInstances').map(({ params }) => params.get('ClientToken'))
    expect(tokens).toHaveLength(3)
    expect(new Set(tokens)).toEqual(new Set([contextOf('launch').idempotencyKey]))
    const bodies = endpoint.of('RunInstances').map(({ params }) => params.toString())
    expect(new Set(bodies).size).toBe(1)
  })

  it('gives up after three lost answers, saying that the same call may be repeated', async () => {
    const { endpoint, provider, run } = await against(failing('RunInstances', ec2Error('InternalError', 500)))
    await expect(run(launch(provider))).rejects.toMatchObject({ shape: { kind: 'unavailable', retryable: true } })
    expect(endpoint.of('RunInstances')).toHaveLength(3)
  })

  it('of disks carries a token per disk', async () => {
    const set = contextOf('a set').idempotencyKey
    const tags = `<tagSet><item><key>understudy:disks</key><value>/dev/xvda=vol-1</value></item></tagSet>`
    const { endpoint, provider, run } = await against(({ action }, count) => {
      if (action === 'DescribeSnapshots') return ec2Answer(action, `<snapshotSet>${snapshotXml.replace('</item>', `${tags}</item>`)}</snapshotSet>`)
      if (action === 'CreateVolume') return count === 1 ? 'reset' : ec2Answer(action, '<volumeId>vol-new</volumeId>')
      return undefined
    })
    await run(provider.snapshots!.materialise({ setId: set }, { zone: 'eu-west-1b' }, contextOf('disks'))) // the adapter has snapshots
    const tokens = endpoint.of('CreateVolume').map(({ params }) => params.get('ClientToken'))
    expect(tokens).toHaveLength(2)
    expect(tokens[0]).toBe(tokens[1])
    expect(tokens[0]).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('a snapshot set, whose creation has no token', () => {
  const capture = (provider: Provider) => provider.snapshots!.capture(refTo('i-1'), contextOf('set')) // the adapter has snapshots
  const found = ec2Answer('DescribeSnapshots', `<snapshotSet>${snapshotXml}</snapshotSet>`)

  it.each([
    ['a reset', 'reset'],
    ['status 503', ec2Error('Unavailable', 503)],
    ['status 500', ec2Error('InternalError', 500)],
  ] as const)('is looked for by its tag after %s, and not taken again when it is there', async (_what, loss) => {
    const { endpoint, provider, run } = await against(({ action }, count) => {
      if (action === 'CreateSnapshots') return loss
      // Not there before; after the loss it shows with the second look.
      return action === 'DescribeSnapshots' && count >= 3 ? found : undefined
    })
    const handle = await run(capture(provider))
    expect(handle.native).toEqual({ setId: contextOf('set').idempotencyKey })
    expect(endpoint.of('CreateSnapshots')).toHaveLength(1)
    expect(endpoint.of('DescribeSnapshots').every(({ params }) => params.get('Filter.1.Name') === 'tag:understudy:op')).toBe(true)
  })

  it('is taken a second time only when it has not shown after some seconds', async () => {
    const { clock, endpoint, provider, run } = await against(failing('CreateSnapshots', 'reset', 1))
    const startedMs = clock.nowMs()
    await run(capture(provider))
    expect(endpoint.of('CreateSnapshots')).toHaveLength(2)
    expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(5_000)
  })

  it('stays ambiguous when the second attempt is lost as well', async () => {
    const { endpoint, provider, run } = await against(failing('CreateSnapshots', 'reset'))
    await expect(run(capture(provider))).rejects.toMatchObject({ shape: { kind: 'unavailable', ambiguous: true } })
    expect(endpoint.of('CreateSnapshots')).toHaveLength(2)
  })

  it('is never repeated after a refusal', async () => {
    const { endpoint, provider, run } = await against(failing('CreateSnapshots', ec2Error('SnapshotCreationPerVolumeRateExceeded')))
    await expect(run(capture(provider))).rejects.toMatchObject({ shape: { kind: 'throttled' } })
    expect(endpoint.of('CreateSnapshots')).toHaveLength(1)
  })

  it('is not asked for when its tag is found at once', async () => {
    const { endpoint, provider, run } = await against(failing('DescribeSnapshots', found))
    await run(capture(provider))
    expect(endpoint.of('CreateSnapshots')).toHaveLength(0)
  })
})

describe('other changes', () => {
  it('of an attribute are looked at before they are repeated', async () => {
    const protectedXml = '<disableApiTermination><value>true</value></disableApiTermination>'
    const { endpoint, provider, run } = await against(({ action }) => {
      if (action === 'ModifyInstanceAttribute') return 'reset'
      return action === 'DescribeInstanceAttribute' ? ec2Answer(action, protectedXml) : undefined
    })
    await run(provider.labels.setProtection(refTo('i-1'), { terminate: true }, contextOf('protect')))
    expect(endpoint.of('ModifyInstanceAttribute')).toHaveLength(1)
  })

  it('that declare a state are repeated by the SDK', async () => {
    const { endpoint, provider, run } = await against(failing('CreateTags', ec2Error('InternalError', 500), 1))
    await run(provider.labels.rename(refTo('i-1'), 'x', contextOf('rename')))
    expect(endpoint.of('CreateTags')).toHaveLength(2)
  })

  it('of power are sent once when a start is refused', async () => {
    const { endpoint, provider, run } = await against(failing('StartInstances', ec2Error('InsufficientInstanceCapacity', 500)))
    await expect(run(provider.compute.start(refTo('i-1'), contextOf('start')))).rejects.toMatchObject({
      shape: { kind: 'insufficient_capacity', avoid: { instanceType: 'm7i.large', zone: 'eu-west-1a' } },
    })
    expect(endpoint.of('StartInstances')).toHaveLength(1)
  })
})

describe('reading', () => {
  it('is repeated when the cloud is busy', async () => {
    const { endpoint, provider, run } = await against(failing('DescribeInstances', ec2Error('RequestLimitExceeded', 503), 1))
    expect((await run(provider.inventory.states([refTo('i-1')]))).get('i-1')?.state).toBe('running')
    expect(endpoint.of('DescribeInstances')).toHaveLength(2)
  })

  it('follows every page, and never names ids beside a page size', async () => {
    const { endpoint, provider, run } = await against(({ action, params }) => {
      if (action !== 'DescribeInstances') return undefined
      const token = params.get('NextToken')
      return ec2Answer(
        action,
        instancesXml(instanceXml(token === null ? 'i-1' : `i-${Number(token) + 1}`), token === '2' ? '' : String(Number(token ?? '0') + 1)),
      )
    })
    const ids: string[] = []
    const walk = async (): Promise<void> => {
      for await (const { ref } of provider.inventory.list({ tags: { a: 'b' } })) ids.push(ref.nativeId)
    }
    await run(walk())
    expect(ids).toEqual(['i-1', 'i-2', 'i-3'])
    await run(provider.signals!.scheduled(['i-1'])) // the adapter has signals
    for (const { action, params } of endpoint.calls) {
      const names = [...params.keys()]
      expect([action, names.some((name) => name.startsWith('InstanceId.')) && names.includes('MaxResults')]).toEqual([action, false])
    }
    expect(endpoint.of('DescribeInstanceStatus')[0]?.params.get('InstanceId.1')).toBe('i-1')
    expect(endpoint.of('DescribeInstances').every(({ params }) => params.get('MaxResults') === '1000')).toBe(true)
  })

  it('of many instances at the same time is one call', async () => {
    const { endpoint, provider, run } = await against(() => undefined)
    await run(Promise.all(Array.from({ length: 150 }, (_, index) => provider.inventory.states([refTo(`i-${index}`)]))))
    expect(endpoint.of('DescribeInstances')).toHaveLength(1)
  })

  it('answers nothing for an unknown instance, at once', async () => {
    const { clock, provider, run } = await against(failing('DescribeInstances', ec2Answer('DescribeInstances', '<reservationSet/>')))
    const startedMs = clock.nowMs()
    expect(await run(provider.inventory.describe(refTo('i-unknown')))).toBeUndefined()
    expect(clock.nowMs() - startedMs).toBeLessThan(1_000)
  })
})

describe('an instance that was just made', () => {
  it('is looked for until it shows, before a 404 is believed', async () => {
    let visibleAtMs = Number.POSITIVE_INFINITY
    const { clock, provider, run } = await against(({ action }) =>
      action === 'DescribeInstances' && clock.nowMs() < visibleAtMs ? ec2Answer(action, '<reservationSet/>') : undefined,
    )
    const handle = await run(launch(provider))
    visibleAtMs = clock.nowMs() + 55_000
    expect(await provider.compute.poll(handle)).toMatchObject({ phase: 'running' })
    expect((await run(provider.inventory.describe(refTo('i-0new'))))?.ref.nativeId).toBe('i-0new')
    expect(clock.nowMs()).toBeGreaterThanOrEqual(visibleAtMs)
  })

  it('is given up after a minute', async () => {
    const { clock, provider, run } = await against(failing('DescribeInstances', ec2Answer('DescribeInstances', '<reservationSet/>')))
    const handle = await run(launch(provider))
    const startedMs = clock.nowMs()
    expect(await run(provider.inventory.describe(refTo('i-0new')))).toBeUndefined()
    expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(60_000)
    expect(await provider.compute.poll(handle)).toMatchObject({ phase: 'failed', error: { kind: 'not_found' } })
  })

  it('is tagged once EC2 knows it everywhere', async () => {
    const { endpoint, provider, run } = await against(failing('CreateTags', ec2Error('InvalidInstanceID.NotFound'), 3))
    await run(launch(provider))
    await run(provider.labels.tag([refTo('i-0new')], { a: 'b' }, contextOf('tag')))
    expect(endpoint.of('CreateTags')).toHaveLength(4)
    await expect(run(provider.labels.tag([refTo('i-old')], { a: 'b' }, contextOf('tag')))).resolves.toBeUndefined()
  })
})

describe('the network', () => {
  it('is given up when nothing answers', async () => {
    const { provider, run, endpoint } = await against(failing('CreateSnapshots', 'silence'), { timeouts: { connectMs: 200, requestMs: 100 } })
    await expect(run(provider.snapshots!.capture(refTo('i-1'), contextOf('set')))).rejects.toMatchObject({
      shape: { kind: 'unavailable', ambiguous: true },
    })
    expect(endpoint.of('CreateSnapshots')).toHaveLength(2)
  })

  it('is told apart from the cloud: nothing listens there', async () => {
    const provider = adapterAgainst('http://127.0.0.1:1')
    closing.push(() => provider.close())
    await expect(provider.identify()).rejects.toMatchObject({ shape: { kind: 'unavailable', nativeCode: 'ECONNREFUSED', retryable: true } })
  })

  it('is left at once when the caller’s time has run out', async () => {
    const { provider, run } = await against(failing('RunInstances', 'silence'))
    const abort = new AbortController()
    const work = provider.compute.provision(someDna(), someSpec(), contextOf('launch', { signal: abort.signal }))
    setImmediate(() => abort.abort(new Error('deadline')))
    await expect(run(work)).rejects.toMatchObject({ shape: { kind: 'unavailable', nativeCode: 'Aborted' } })
  })

  it('hears nothing of the SDK’s own remarks, however many requests wait for a socket', async () => {
    const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) => vi.spyOn(console, method).mockImplementation(() => undefined))
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { provider, run } = await against((call, count) =>
      call.action === 'ModifyInstanceAttribute' && count % 7 === 0 ? ec2Error('IncorrectState') : undefined,
    )
    const calls = Array.from({ length: 400 }, (_, index) =>
      provider.labels.setProtection(refTo(`i-${index}`), { terminate: true }, contextOf(`p${index}`)),
    )
    await run(Promise.allSettled(calls))
    process.off('warning', onWarning)
    const heard = spies.flatMap((spy) => spy.mock.calls)
    for (const spy of spies) spy.mockRestore()
    expect(heard).toEqual([])
    expect(warnings).toEqual([])
  })
})

it('signs every request, names the installation, and lets no credential out in an error', async () => {
  const secretAccessKey = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY'
  const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
  const sessionToken = 'FwoGZXIvYXdzEXAMPLETOKEN'
  const echo: Script = ({ headers }) =>
    ec2Error('AuthFailure', 401, `AWS was not able to validate ${headers.authorization} with ${String(headers['x-amz-security-token'])}`)
  const { endpoint, provider, run } = await against(echo, { credentials: { accessKeyId, secretAccessKey, sessionToken } })
  const error: unknown = await run(provider.inventory.states([refTo('i-1')])).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ shape: { kind: 'unauthorized', nativeCode: 'AuthFailure' } })
  const headers = endpoint.calls[0]?.headers
  expect(headers?.authorization).toContain(accessKeyId)
  expect(headers?.['user-agent']).toContain('understudy')
  const printed = inspect(error, { depth: 12, showHidden: true })
  for (const secret of [accessKeyId, secretAccessKey, sessionToken, headers?.authorization?.split('Signature=')[1]])
    expect(printed).not.toContain(secret)
})
