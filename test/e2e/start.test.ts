import { createUnderstudyClient, dataOf, waitForOperation } from '@understudy/contract/client'
import { createTestDatabase } from '@understudy/testing'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { protect, provenShadow } from '../../apps/cli/src/demo/protect.ts'
import { simulatedCloud } from '../../apps/cli/src/demo/simulated-cloud.ts'
import { startCommand } from './helpers/command.ts'
import type { Command } from './helpers/command.ts'

let directory: string
const servers: Server[] = []
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'understudy-start-'))
})
afterAll(async () => {
  for (const server of servers) server.close()
  await rm(directory, { recursive: true, force: true })
})

/** Port of a TCP server that answers with whatever `talk` writes. */
async function listen(talk: (data: Buffer, write: (answer: Buffer) => void) => void = () => undefined): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => talk(data, (answer) => socket.write(answer)))
  })
  servers.push(await serve(server))
  return (server.address() as AddressInfo).port
}

const anyPorts = { API_PORT: '0', SIM_PORT: '0', WORKER_PORT: '0' }

describe('a start that cannot be says why, what to do, and nothing else', () => {
  const refused = async (env: Record<string, string>): Promise<string> => {
    const { code, errors } = await startCommand(['up'], { UNDERSTUDY_HOME: join(directory, 'refused', crypto.randomUUID()), ...anyPorts, ...env })
      .ended
    expect(errors, 'one line').toMatch(/^[^\n]+\n$/)
    expect(code).toBe(1)
    return errors.trim()
  }

  it('of a database that is given', async () => {
    const database = await createTestDatabase()
    const without = new URL(database.url)
    without.pathname = '/nowhere'
    const stranger = new URL(database.url)
    stranger.password = 'wrong-password'
    const [mistyped, closed, noDatabase, noEntry, old] = await Promise.all([
      refused({ DATABASE_URL: 'mysql://root@localhost/x' }),
      refused({ DATABASE_URL: 'postgresql://someone:top-secret@127.0.0.1:9/x' }),
      refused({ DATABASE_URL: without.href }),
      refused({ DATABASE_URL: stranger.href }),
      refused({ DATABASE_URL: `postgresql://someone@127.0.0.1:${await listen(speakAsPostgres('9.6.24', '90624'))}/x` }),
    ])
    await database.drop()
    expect(mistyped).toContain('DATABASE_URL: is not a PostgreSQL URL')
    expect(closed).toBe('Nothing listens at 127.0.0.1:9/x. Start PostgreSQL there, or correct DATABASE_URL.')
    expect(noDatabase).toMatch(/\/nowhere does not exist\. Create it, or correct DATABASE_URL/)
    expect(noEntry).toMatch(/refuses the user or the password of DATABASE_URL/)
    expect(noEntry).not.toContain('wrong-password')
    expect(old).toMatch(/^PostgreSQL 9\.6\.24 at .* is too old\. Use 15 or later/)
  })

  it('of Redis', async () => {
    // One answer to each command: several may come in one piece.
    const commandsIn = (data: Buffer): number => data.toString().match(/^\*\d+\r$/gm)?.length ?? 0
    const refusal = '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
    const guarded = await listen((data, write) => write(Buffer.from(refusal.repeat(commandsIn(data)))))
    const [mistyped, closed, noEntry] = await Promise.all([
      refused({ REDIS_URL: 'localhost:6379' }),
      refused({ REDIS_URL: 'redis://127.0.0.1:9' }),
      refused({ REDIS_URL: `redis://:top-secret@127.0.0.1:${guarded}` }),
    ])
    expect(mistyped).toContain('REDIS_URL: is not a Redis URL')
    expect(closed).toBe('Nothing listens at 127.0.0.1:9. Start Redis there, or correct REDIS_URL.')
    expect(noEntry).toMatch(/refuses the user or the password of REDIS_URL/)
    expect(noEntry).not.toContain('top-secret')
  })

  it('of ports', async () => {
    const taken = String(await listen())
    const [api, sim, worker, mistyped, twice] = await Promise.all([
      refused({ API_PORT: taken }),
      refused({ SIM_PORT: taken }),
      refused({ WORKER_PORT: taken }),
      refused({ API_PORT: 'http', SIM_PORT: '70000' }),
      refused({ API_PORT: '17070', SIM_PORT: '17070' }),
    ])
    expect(api).toBe(`Port ${taken} of 127.0.0.1 is taken by another program. Stop that program, or set API_PORT to another port.`)
    expect(sim).toContain('or set SIM_PORT to another port')
    expect(worker).toContain('or set WORKER_PORT to another port')
    expect(mistyped).toMatch(/API_PORT: must be a port number.*SIM_PORT: must be a port number/)
    expect(twice).toBe('API_PORT and SIM_PORT are both 17070. Set one of them to another port.')
  })

  it('of the folder and the master key', async () => {
    await writeFile(join(directory, 'a-file'), '')
    const [noFolder, notMade, key] = await Promise.all([
      refused({ UNDERSTUDY_HOME: join(directory, 'a-file') }),
      process.platform === 'linux' ? refused({ UNDERSTUDY_HOME: '/proc/understudy' }) : 'cannot be made. Set UNDERSTUDY_HOME',
      refused({ UNDERSTUDY_MASTER_KEY: 'correct horse' }),
    ])
    expect(noFolder).toMatch(/something on its way is not a folder\. Set UNDERSTUDY_HOME to a folder that this user may write\.$/)
    expect(notMade).toContain('cannot be made. Set UNDERSTUDY_HOME')
    expect(key).toContain('UNDERSTUDY_MASTER_KEY: must be 32 bytes in base64')
    expect(key).not.toContain('horse')
  })
})

describe('the life of an installation', () => {
  let home: string
  let env: Record<string, string>
  let running: Command
  const commands: Command[] = []
  const start = async (more: Record<string, string> = {}): Promise<Command> => {
    running = startCommand(['up'], { ...env, ...more })
    commands.push(running)
    await running.until(/Stop with Ctrl-C/)
    return running
  }
  beforeAll(async () => {
    // A space in the path is what the printed command has to be right about.
    home = join(directory, 'the home')
    await mkdir(home)
    const [API_PORT, SIM_PORT, WORKER_PORT] = (await freePorts(3)).map(String)
    if (API_PORT === undefined || SIM_PORT === undefined || WORKER_PORT === undefined) throw new Error('three ports were asked for')
    // The region's clock runs fast, so that launching, draining and shutting down take seconds.
    env = { UNDERSTUDY_HOME: home, API_PORT, SIM_PORT, WORKER_PORT, SIM_SPEED: '6' }
  })
  // What a failed test has left running would hold the ports and the folder.
  afterAll(async () => {
    for (const command of commands) command.kill('SIGKILL')
    await vi.waitFor(() => expect(ofThisHome()).toEqual([]), { timeout: 120_000, interval: 100 })
  }, 180_000)

  /** Command lines of processes that belong to this home, found as an administrator would. */
  const ofThisHome = (): readonly string[] => processes().filter((line) => line.includes(home))
  const started = async (): Promise<readonly number[]> =>
    (JSON.parse(await readFile(join(home, 'running.json'), 'utf8')) as { started: { pid: number }[] }).started.map(({ pid }) => pid)
  const adminKey = () => readFileSync(join(home, 'admin-key'), 'utf8').trim()
  const client = () => createUnderstudyClient({ baseUrl: `http://127.0.0.1:${env['API_PORT']}`, apiKey: adminKey() })
  const cloud = () => simulatedCloud(`http://127.0.0.1:${env['SIM_PORT']}`)
  let resourceId: string
  let shadowId: string
  let frontDoor: string

  it('begins with its progress, the URL, the key, and a command that works as it is printed', async () => {
    await start()
    const said = running.said()
    expect(said).toMatch(/Starting PostgreSQL \d+ in [^\n]+\n {2}Applied \d+ migrations? to the database/)
    for (const title of ['simulated AWS region', 'API', 'worker']) expect(said).toContain(`Starting the ${title} …`)
    expect(said).toContain(`Understudy is running at http://127.0.0.1:${env['API_PORT']}`)
    expect(said).toContain(`admin key         ${join(home, 'admin-key')}`)
    expect((await stat(join(home, 'admin-key'))).mode & 0o077).toBe(0)
    const [, command = ''] = /Try next, in another terminal:\n {2}(curl [^\n]+)\n/.exec(said) ?? []
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} || echo no curl`])
    if (!stdout.includes('no curl')) expect(JSON.parse(stdout)).toMatchObject({ items: [] })
  })

  it('protects a resource', async () => {
    await cloud().scaleLaunches(0.1)
    const service = await cloud().seedWebService('web')
    frontDoor = await cloud().listenerUrl(service.listenerArn)
    resourceId = await protect(client(), cloud(), service)
    shadowId = (await provenShadow(client(), resourceId)).id
  })

  it('is not started a second time while it runs', async () => {
    const { code, errors } = await startCommand(['up'], { ...env, ...anyPorts }).ended
    expect(code).toBe(1)
    expect(errors).toMatch(new RegExp(`^Understudy is running from ${home} already \\(process ${running.pid}\\)\\. Stop it first`))
  })

  it('ends on Ctrl-C that comes twice, as npm passes it on, and leaves nothing behind', async () => {
    const pids = await started()
    expect(pids).toHaveLength(3)
    running.kill('SIGINT')
    running.kill('SIGINT')
    const { code, output, errors } = await running.ended
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(output).toContain('Stopped.')
    expect(pids.filter(isAlive)).toEqual([])
    expect(ofThisHome()).toEqual([])
    expect(await leftFiles(home)).toEqual([])
  })

  it('is refused with a master key that does not open its credentials', async () => {
    const { code, errors } = await startCommand(['up'], { ...env, UNDERSTUDY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }).ended
    expect(code).toBe(1)
    expect(errors).toMatch(/^The master key of UNDERSTUDY_MASTER_KEY does not open the credentials of the account "simulated region"[^\n]+\n$/)
    expect(ofThisHome()).toEqual([])
  })

  it('goes on as it was: the resource is protected, at the same address, and its failover works', async () => {
    await start()
    expect(running.said()).toContain('The database is up to date')
    const resource = await dataOf(client().GET('/v1/resources/{id}', { params: { path: { id: resourceId } } }))
    expect(resource.status).toBe('protected')
    expect((await provenShadow(client(), resourceId)).id).toBe(shadowId)
    const answer = await vi.waitFor(async () => (await (await fetch(frontDoor)).json()) as { instanceId: string }, { timeout: 120_000 })
    expect(answer.instanceId).toBe(resource.nativeId)

    await cloud().interrupt(answer.instanceId)
    const operation = await vi.waitFor(
      async () => {
        const { items } = await dataOf(client().GET('/v1/operations', { params: { query: { resourceId, kind: 'failover' } } }))
        expect(items).toHaveLength(1)
        return items[0]
      },
      { timeout: 120_000, interval: 100 },
    )
    expect(await waitForOperation(client(), operation?.id ?? '', { timeoutMs: 120_000 })).toMatchObject({ status: 'succeeded' })
    const { instanceId } = (await (await fetch(frontDoor)).json()) as { instanceId: string }
    expect(instanceId).not.toBe(answer.instanceId)
  })

  it('says which service has ended, and where its log is, and stops the rest', async () => {
    const worker = (await started()).at(-1) ?? 0
    process.kill(worker, 'SIGKILL')
    const { code, output } = await running.ended
    expect(code).toBe(1)
    expect(output).toContain(`The worker has ended by itself, by SIGKILL.\nIts log is ${join(home, 'logs', 'worker.log')}\n`)
    expect(ofThisHome()).toEqual([])
  })

  it('leaves nothing running when it is killed, and the next start finds its data', async () => {
    await start()
    const pids = await started()
    running.kill('SIGKILL')
    await vi.waitFor(() => expect([...pids.filter(isAlive), ...ofThisHome()]).toEqual([]), { timeout: 120_000, interval: 100 })
    expect(existsSync(join(home, 'running.json'))).toBe(true)
    await start()
    expect((await dataOf(client().GET('/v1/resources/{id}', { params: { path: { id: resourceId } } }))).id).toBe(resourceId)
  })

  it('ends on SIGTERM while it starts, too', async () => {
    running.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
    const cut = startCommand(['up'], env)
    commands.push(cut)
    await cut.until(/Starting the API/)
    cut.kill('SIGTERM')
    const { code, output, errors } = await cut.ended
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(output).toContain('Stopped before it had started.')
    expect(ofThisHome()).toEqual([])
    expect(await leftFiles(home)).toEqual([])
  })
})

/** Locks that a start would stumble over. */
const leftFiles = async (home: string): Promise<readonly string[]> =>
  (await readdir(home, { recursive: true })).filter((name) => /running\.json|postmaster\.pid/.test(name))

/** Command lines and environments of all processes; only Linux has a place to read them. */
function processes(): readonly string[] {
  const numbers = existsSync('/proc/self/environ') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  return numbers.map((pid) => `${readProc(pid, 'cmdline')} ${readProc(pid, 'environ')}`)
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // It has ended meanwhile, or is not ours to look into.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** All open at the same time, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const probes = await Promise.all(Array.from({ length: count }, () => serve(createServer())))
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port)
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))))
  return ports
}

const serve = (server: Server): Promise<Server> => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))

/**
 * As much of PostgreSQL's protocol as it takes to say a version: to the greeting "welcome, ready", to the query one row, to the
 * farewell nothing.
 */
function speakAsPostgres(version: string, number: string) {
  const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(parts)
    return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
  }
  const ready = message('Z', Buffer.from('I'))
  const column = (name: string): Buffer => Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)])
  const value = (text: string): Buffer => Buffer.concat([int32(text.length), Buffer.from(text)])
  const row = [
    message('T', int16(2), column('number'), column('version')),
    message('D', int16(2), value(number), value(version)),
    message('C', Buffer.from('SELECT 1\0')),
  ]
  return (data: Buffer, write: (answer: Buffer) => void): void => {
    const type = String.fromCharCode(data[0] ?? 0)
    if (type === '\0') write(Buffer.concat([message('R', int32(0)), ready]))
    if (type === 'Q') write(Buffer.concat([...row, ready]))
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
