import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { environment as apiEnvironment } from '../../apps/api/src/config.ts'
import { environment as workerEnvironment } from '../../apps/worker/src/config.ts'
import { root } from './sources.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const service = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  deploy: z.object({ replicas: z.number() }).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
})
const compose = z
  .looseObject({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('docker-compose.yml'), { merge: true }))

function serviceNamed(name: string): z.output<typeof service> {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`)
  return found
}

describe('docker-compose.yml', () => {
  test('has the database, the queue, the migration, two APIs and two workers, and nothing else', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(['api', 'migrate', 'postgres', 'redis', 'worker'])
    expect([serviceNamed('api').deploy?.replicas, serviceNamed('worker').deploy?.replicas]).toEqual([2, 2])
  })

  test('runs the versions that we test with, and a Redis that never forgets a job', () => {
    expect(serviceNamed('postgres').image).toBe('postgres:18')
    expect(serviceNamed('redis').image).toBe('redis:8')
    expect(serviceNamed('redis').command?.join(' ')).toMatch(/--appendonly yes.*--maxmemory-policy noeviction/)
  })

  test('keeps the data of both in named volumes', () => {
    const mounted = ['postgres', 'redis'].flatMap((name) => serviceNamed(name).volumes ?? []).map((volume) => volume.split(':')[0])
    expect(mounted.toSorted()).toEqual(Object.keys(compose.volumes).toSorted())
    // PostgreSQL 18's image keeps a folder per version below this one.
    expect(serviceNamed('postgres').volumes).toContain('postgres:/var/lib/postgresql')
  })

  test.each(['migrate', 'api', 'worker'])('%s starts a file that exists, from our image', (name) => {
    const { command = [], build, image } = serviceNamed(name)
    expect([build, image]).toEqual(['.', 'understudy'])
    expect(existsSync(join(root, command[0] ?? 'none'))).toBe(true)
  })

  test('the API and the workers wait for the migration', () => {
    for (const name of ['api', 'worker']) expect(serviceNamed(name).depends_on?.['migrate']?.condition).toBe('service_completed_successfully')
    expect(serviceNamed('migrate').depends_on?.['postgres']?.condition).toBe('service_healthy')
  })

  test.each([
    ['api', apiEnvironment],
    ['worker', workerEnvironment],
  ])('%s is given only variables that it reads, with values that it takes', (name, environment) => {
    const given = Object.entries(serviceNamed(name).environment ?? {}).map(([variable, value]) => [variable, filledIn(value)] as const)
    expect(given.map(([variable]) => variable).filter((variable) => !(variable in environment.shape))).toEqual([])
    expect(environment.safeParse(Object.fromEntries(given)).error?.issues ?? []).toEqual([])
  })

  test('every service that stays says when it is healthy', () => {
    const silent = Object.entries(compose.services).filter(([name, { healthcheck }]) => name !== 'migrate' && healthcheck === undefined)
    expect(silent.map(([name]) => name)).toEqual([])
  })
})

/** What compose does with `${NAME:-default}` and `${NAME:?message}` when the names are set as its head says. */
function filledIn(value: string): string {
  const env: Record<string, string> = { POSTGRES_PASSWORD: 'c0ffee', UNDERSTUDY_MASTER_KEY: Buffer.alloc(32, 1).toString('base64') }
  return value.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (whole, name: string, kind?: string, rest?: string) => {
    return env[name] ?? (kind === '-' ? (rest ?? '') : whole)
  })
}

interface Instruction {
  readonly name: string
  readonly rest: string
}

/** The instructions of a Dockerfile, continued lines joined. */
const instructions: Instruction[] = read('Dockerfile')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => {
    const [name = '', ...rest] = line.trim().split(/\s+/)
    return { name, rest: rest.join(' ') }
  })

describe('Dockerfile', () => {
  const stages = instructions.filter(({ name }) => name === 'FROM')
  const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))

  test('uses only instructions that exist', () => {
    const known = ['FROM', 'WORKDIR', 'ENV', 'COPY', 'RUN', 'USER', 'EXPOSE', 'ENTRYPOINT', 'CMD', 'ARG', 'LABEL', 'HEALTHCHECK']
    expect(instructions.filter(({ name }) => !known.includes(name))).toEqual([])
  })

  test('has several stages on the Node that package.json pins', () => {
    expect(stages.length).toBeGreaterThan(1)
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: { node: string } }
    const major = dependencies.node.split('.')[0]
    for (const { rest } of stages) expect(rest).toMatch(new RegExp(`^node:${major}-`))
  })

  test('runs as a user that is not root', () => {
    const user = lastStage.findLast(({ name }) => name === 'USER')?.rest
    expect(user).toBe('node')
  })

  test('copies only what exists, from stages that exist', () => {
    const names = stages.flatMap(({ rest }) => / AS (\S+)$/.exec(rest)?.[1] ?? [])
    for (const { rest } of instructions.filter(({ name }) => name === 'COPY')) {
      const from = /--from=(\S+)/.exec(rest)?.[1]
      if (from !== undefined) expect(names).toContain(from)
      const source = rest
        .replace(/--\S+\s+/g, '')
        .split(/\s+/)[0]
        ?.replace(/^\/app\//, '')
      expect(existsSync(join(root, source ?? 'none'))).toBe(true)
    }
  })

  test('starts a file that exists', () => {
    const command = JSON.parse(lastStage.findLast(({ name }) => name === 'CMD')?.rest ?? '[]') as string[]
    expect(existsSync(join(root, command[0] ?? 'none'))).toBe(true)
  })

  test('leaves secrets, history and this machine’s packages out', () => {
    const ignored = read('.dockerignore').split('\n')
    for (const pattern of ['.git', '.env', '.understudy', '**/node_modules']) expect(ignored).toContain(pattern)
  })
})
