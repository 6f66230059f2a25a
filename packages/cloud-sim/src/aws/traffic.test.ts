import { CreateLoadBalancerCommand, ElasticLoadBalancingV2Client, ModifyListenerCommand } from '@aws-sdk/client-elastic-load-balancing-v2'
import { AssociateAddressCommand, EC2Client, StopInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { seededImages, seedWebService, type SeededService } from '../datacentre/fixtures.ts'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
let ec2: EC2Client
let elb: ElasticLoadBalancingV2Client
const agent = new Agent({ keepAlive: true })
const internalErrors: unknown[] = []

beforeAll(async () => {
  // Not faster: a health check may take two simulated seconds, and a busy machine must be able to answer it in time.
  const latencies = { pending: 1000, boot: 2000, resume: 1000, stopping: 2000, hibernating: 2000, shuttingDown: 2000, hibernationAgent: 1000 }
  server = await startSimServer({ speed: 20, latencies, onInternalError: (error) => internalErrors.push(error) })
  const common = { endpoint: server.url, region: server.region, credentials: server.credentials }
  ec2 = new EC2Client(common)
  elb = new ElasticLoadBalancingV2Client(common)
})
afterAll(async () => {
  agent.destroy()
  ec2.destroy()
  elb.destroy()
  await server.close()
  expect(internalErrors).toEqual([])
})

const soon = { timeout: 60_000, interval: 20 }

/** One request by a client that does not retry. */
const ask = (url: string, options: { method?: string; body?: string } = {}): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { agent, method: options.method ?? 'GET' }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (body += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(options.body)
  })
const who = async (url: string): Promise<string> => (JSON.parse((await ask(url)).body) as { instanceId: string }).instanceId
const urlOfListener = async (arn: string): Promise<string> =>
  (await server.endpoints()).listeners.find((listener) => listener.listenerArn === arn)?.url ?? ''
const urlOfInstance = async (id: string): Promise<string> =>
  (await server.endpoints()).instances.find((instance) => instance.instanceId === id)?.url ?? ''
const healthy = (group: string, id: string) =>
  vi.waitFor(() => expect(server.dataCentre.balancers.targetHealth(group).find((target) => target.instanceId === id)?.health).toBe('healthy'), soon)

let service: SeededService
let shadowId: string
let url: string
let made = 0

/** A service with a stand-in that is enrolled with weight 0. */
beforeEach(async () => {
  service = seedWebService(server.dataCentre, { name: `shop${++made}` })
  const { instances } = server.dataCentre.instances.run({ imageId: seededImages.ubuntu, instanceType: 'm7i.large', minCount: 1, maxCount: 1 })
  shadowId = instances[0]?.instanceId ?? ''
  await vi.waitFor(() => expect(server.dataCentre.instances.get(shadowId)?.state).toBe('running'), soon)
  server.dataCentre.balancers.registerTargets(service.standby.arn, [{ instanceId: shadowId }])
  await Promise.all([healthy(service.primary.arn, service.instance.instanceId), healthy(service.standby.arn, shadowId)])
  url = await urlOfListener(service.listener.arn)
})

const setWeights = (primary: number, standby: number) =>
  elb.send(
    new ModifyListenerCommand({
      ListenerArn: service.listener.arn,
      DefaultActions: [
        {
          Type: 'forward',
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: service.primary.arn, Weight: primary },
              { TargetGroupArn: service.standby.arn, Weight: standby },
            ],
          },
        },
      ],
    }),
  )

describe('the load balancer', () => {
  it('loses no request over twenty flips that raise the new before they lower the old', async () => {
    let failed = 0
    let answered = 0
    let running = true
    const client = async (): Promise<void> => {
      while (running) {
        const outcome = await ask(url).catch(() => ({ status: 0 }))
        if (outcome.status === 200) answered += 1
        else failed += 1
      }
    }
    const clients = Array.from({ length: 8 }, client)
    for (let flip = 0; flip < 20; flip++) {
      const [from, to] = flip % 2 === 0 ? [0, 100] : [100, 0]
      await setWeights(100, 100)
      const atLeast = answered + 50
      await vi.waitFor(() => expect(answered).toBeGreaterThan(atLeast), soon)
      await setWeights(from, to)
      const wanted = to === 100 ? shadowId : service.instance.instanceId
      expect(await who(url)).toBe(wanted)
    }
    running = false
    await Promise.all(clients)
    expect(failed).toBe(0)
    expect(answered).toBeGreaterThan(1000)
  })

  it('splits by weight', async () => {
    await setWeights(900, 100)
    let shadows = 0
    for (let n = 0; n < 400; n++) if ((await who(url)) === shadowId) shadows += 1
    expect(shadows).toBeGreaterThan(10)
    expect(shadows).toBeLessThan(90)
  })

  it('gives nothing to a target of weight 0, whatever becomes of the others', async () => {
    server.dataCentre.instances.setAnswering(service.instance.instanceId, false)
    expect((await ask(url)).status).toBe(502)
    await vi.waitFor(() => expect(server.dataCentre.balancers.targetHealth(service.primary.arn)[0]?.health).toBe('unhealthy'), soon)
    expect((await ask(url)).status).toBe(502)
    await setWeights(0, 0)
    expect((await ask(url)).status).toBe(503)
  })

  it('does not repeat a request that its target did not finish', async () => {
    const primaryUrl = await urlOfInstance(service.instance.instanceId)
    const hanging = ask(`${url}/counter?delayMs=40000`, { method: 'POST' })
    await vi.waitFor(async () => expect(JSON.parse((await ask(primaryUrl)).body)).toMatchObject({ inFlight: 2 }), soon)
    // A request that was repeated would find a healthy target from here on.
    await setWeights(0, 100)
    server.dataCentre.instances.setAnswering(service.instance.instanceId, false)
    expect((await hanging).status).toBe(502)
    expect((await ask(url)).status).toBe(200)
  })

  it('lets a target that drains finish what it has begun, and gives it nothing new', async () => {
    await setWeights(0, 100)
    server.dataCentre.balancers.registerTargets(service.standby.arn, [{ instanceId: service.instance.instanceId }])
    await healthy(service.standby.arn, service.instance.instanceId)
    const drained = await urlOfInstance(service.instance.instanceId)
    // Half a second of the machine's time: the others below run while these are under way.
    const slow = Array.from({ length: 16 }, () => ask(`${url}/?delayMs=10000`))
    await vi.waitFor(async () => expect((JSON.parse((await ask(drained)).body) as { inFlight: number }).inFlight).toBeGreaterThan(1), soon)
    server.dataCentre.balancers.deregisterTargets(service.standby.arn, [{ instanceId: service.instance.instanceId }])
    for (let n = 0; n < 30; n++) expect(await who(url)).toBe(shadowId)
    const answers = await Promise.all(slow)
    expect(answers.map((answer) => answer.status)).toEqual(slow.map(() => 200))
    expect(answers.some((answer) => answer.body.includes(service.instance.instanceId))).toBe(true)
  })

  it('streams bodies both ways and passes on who asked', async () => {
    const body = 'x'.repeat(300_000)
    expect(await ask(`${url}/echo`, { method: 'POST', body })).toEqual({ status: 200, body })
  })

  it('answers itself when its listener says so', async () => {
    const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: `fixed${made}` }))
    const listener = server.dataCentre.balancers.createListener({
      loadBalancerArn: LoadBalancers?.[0]?.LoadBalancerArn ?? '',
      port: 80,
      defaultActions: [{ kind: 'fixed-response', statusCode: '410', body: 'gone' }],
    })
    expect(await ask(await urlOfListener(listener.arn))).toEqual({ status: 410, body: 'gone' })
    server.dataCentre.balancers.deleteListener(listener.arn)
    expect(await urlOfListener(listener.arn)).toBe('')
  })
})

describe('an instance', () => {
  it('answers until its deadline and not after, also on connections that are open', async () => {
    const id = service.instance.instanceId
    const guest = await urlOfInstance(id)
    server.dataCentre.market.interrupt(id, { noticeMs: 30_000 })
    expect(await who(guest)).toBe(id)
    const deadlineMs = server.dataCentre.instances.get(id)?.interruption?.deadlineMs ?? 0
    await vi.waitFor(
      async () => {
        const before = server.dataCentre.instances.get(id)?.state
        const outcome = await ask(guest).then(
          () => 'answered',
          () => 'refused',
        )
        if (outcome === 'refused') expect(server.clock.nowMs()).toBeGreaterThanOrEqual(deadlineMs)
        expect([before, outcome]).toEqual(['shutting-down', 'refused'])
      },
      { ...soon, interval: 5 },
    )
    await expect(ask(guest)).rejects.toThrow()
  })

  it('cuts a request that is under way when it is terminated', async () => {
    const guest = await urlOfInstance(shadowId)
    const hanging = ask(`${guest}/?delayMs=40000`)
    const outcome = expect(hanging).rejects.toThrow()
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [shadowId] }))
    await outcome
  })

  it('forgets its memory when it is stopped, and keeps its disk', async () => {
    const guest = await urlOfInstance(shadowId)
    await ask(`${guest}/counter`, { method: 'POST' })
    expect(await counterOf(guest)).toBe(1)
    await ask(`${guest}/disk?offset=4096`, { method: 'PUT', body: 'on disk' })
    await ec2.send(new StopInstancesCommand({ InstanceIds: [shadowId] }))
    await vi.waitFor(() => expect(server.dataCentre.instances.get(shadowId)?.state).toBe('stopped'), soon)
    server.dataCentre.instances.start([shadowId])
    await vi.waitFor(() => expect(server.dataCentre.instances.get(shadowId)?.answering).toBe(true), soon)
    const again = await urlOfInstance(shadowId)
    expect(await counterOf(again)).toBe(0)
    expect((await ask(`${again}/disk?offset=4096&length=7`)).body).toBe('on disk')
  })

  it('remembers everything when it hibernates', async () => {
    const { instances } = server.dataCentre.instances.run({
      imageId: seededImages.ubuntu,
      instanceType: 'm7i.large',
      minCount: 1,
      maxCount: 1,
      hibernationConfigured: true,
    })
    const id = instances[0]?.instanceId ?? ''
    await vi.waitFor(() => expect(server.dataCentre.instances.get(id)?.answering).toBe(true), soon)
    const guest = await urlOfInstance(id)
    await ask(`${guest}/counter`, { method: 'POST' })
    const { bootId } = JSON.parse((await ask(guest)).body) as { bootId: string }
    const readyMs = (server.dataCentre.instances.get(id)?.answeringSinceMs ?? 0) + 1000
    await vi.waitFor(() => expect(server.clock.nowMs()).toBeGreaterThan(readyMs), soon)
    server.dataCentre.instances.stop([id], { hibernate: true })
    await vi.waitFor(() => expect(server.dataCentre.instances.get(id)?.hibernated).toBe(true), soon)
    await expect(ask(guest)).rejects.toThrow()
    server.dataCentre.instances.start([id])
    await vi.waitFor(() => expect(server.dataCentre.instances.get(id)?.answering).toBe(true), soon)
    expect(JSON.parse((await ask(await urlOfInstance(id))).body)).toMatchObject({ bootId, counter: 1 })
  })
})

describe('a public address', () => {
  it('follows its association', async () => {
    const { allocationId } = server.dataCentre.network.allocateAddress()
    await ec2.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: service.instance.instanceId }))
    const { addresses } = await server.endpoints()
    const publicUrl = addresses.find((address) => address.allocationId === allocationId)?.url ?? ''
    expect(await who(publicUrl)).toBe(service.instance.instanceId)
    await expect(
      ec2.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: shadowId, AllowReassociation: false })),
    ).rejects.toMatchObject({
      name: 'Resource.AlreadyAssociated',
    })
    await ec2.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: shadowId, AllowReassociation: true }))
    await vi.waitFor(async () => expect(await who(publicUrl)).toBe(shadowId), soon)
  })
})

const counterOf = async (guest: string): Promise<number> => (JSON.parse((await ask(guest)).body) as { counter: number }).counter
