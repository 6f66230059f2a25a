import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@understudy/core'
import type { Binaries } from './binaries.ts'
import { explainFailure } from './failures.ts'
import type { Privileges } from './privileges.ts'

/** The name of the superuser and of the database that a new cluster has. */
export const embeddedUser = 'understudy'

/** What we remember about a cluster, in a file inside its data directory, so that the two cannot part. */
export interface ClusterNotes {
  readonly password: string
  /** The port of the last start, so that a URL keeps working across starts. */
  readonly port?: number
  /** The process that started the server last. */
  readonly ownerPid?: number
}

const notesFile = (data: string): string => join(data, 'understudy.json')

export async function readNotes(data: string): Promise<ClusterNotes> {
  try {
    return JSON.parse(await readFile(notesFile(data), 'utf8')) as ClusterNotes
  } catch (cause) {
    throw new AppError('unavailable', `${data} exists but was not made by Understudy, or is damaged. Move it away and start again.`, { cause })
  }
}

export async function writeNotes(data: string, notes: ClusterNotes): Promise<void> {
  // Written aside and renamed: a full disk must not leave a file without the password.
  const aside = `${notesFile(data)}.${process.pid}`
  await writeFile(aside, JSON.stringify(notes), { mode: 0o600 })
  await rename(aside, notesFile(data))
}

/**
 * Makes the cluster in `<directory>/data` unless it exists; refuses one of another major version.
 * It is made aside and renamed when complete, so an interrupted first start leaves nothing that looks like a cluster, and of
 * two first starts at the same time one wins.
 */
export async function ensureCluster(directory: string, binaries: Binaries, privileges: Privileges, durable: boolean): Promise<string> {
  const data = join(directory, 'data')
  if (!existsSync(data)) {
    await removeLeftovers(directory)
    await refuseFullDisk(directory)
    await makeCluster(directory, data, binaries, privileges, durable)
  }
  const version = Number((await readVersion(data)).trim())
  if (version !== binaries.major) {
    throw new AppError(
      'unavailable',
      `The data in ${data} is of PostgreSQL ${version || '(unknown)'}; this release brings PostgreSQL ${binaries.major}. ` +
        'Move that folder away to start empty, or go back to the release that wrote it.',
      { details: { reason: 'version' } },
    )
  }
  await privileges.own(data)
  return data
}

async function readVersion(data: string): Promise<string> {
  try {
    return await readFile(join(data, 'PG_VERSION'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw explainFailure(String(error), { directory: data, logFile: '(none)' })
  }
}

async function makeCluster(directory: string, data: string, binaries: Binaries, privileges: Privileges, durable: boolean): Promise<void> {
  const fresh = join(directory, `data.new-${process.pid}`)
  const password = randomBytes(24).toString('base64url')
  const passwordFile = join(directory, `password.new-${process.pid}`)
  await mkdir(fresh, { mode: 0o700 })
  await writeFile(passwordFile, password, { mode: 0o600 })
  try {
    await privileges.own(fresh)
    await privileges.own(passwordFile)
    const flags = ['--auth=scram-sha-256', `--username=${embeddedUser}`, '--encoding=UTF8', '--locale=C', ...(durable ? [] : ['--no-sync'])]
    await run(privileges, binaries.initdb, [`--pgdata=${fresh}`, `--pwfile=${passwordFile}`, ...flags], { directory, logFile: '(none)' })
    await writeNotes(fresh, { password })
    await chmod(fresh, 0o700)
    // Fails when another start was quicker; its cluster is as good as ours.
    await rename(fresh, data).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(passwordFile, { force: true })
  }
}

function run(privileges: Privileges, program: string, args: string[], attempt: { directory: string; logFile: string }): Promise<void> {
  const command = privileges.command(program, args)
  return new Promise((resolve, reject) => {
    execFile(command.file, command.args, { ...command.identity, env: serverEnvironment() }, (error, stdout, stderr) => {
      if (error) reject(explainFailure(`${stderr}\n${stdout}\n${error.message}`, attempt))
      else resolve()
    })
  })
}

/** English messages, because `explainFailure` reads them, and none of the PG… variables that would change the server. */
export const serverEnvironment = (): NodeJS.ProcessEnv => ({ PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' })

async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = Number(/^(?:data|password)\.new-(\d+)$/.exec(name)?.[1])
    if (pid && !isAlive(pid)) await rm(join(directory, name), { recursive: true, force: true })
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // It exists and belongs to somebody else.
  }
}

/** A new cluster takes about 45 MB, and the first log segment 16 MB more. */
async function refuseFullDisk(directory: string): Promise<void> {
  const neededBytes = 128 * 1024 * 1024
  const disk = await statfs(directory)
  if (disk.bavail * disk.bsize >= neededBytes) return
  throw new AppError('unavailable', `The disk that holds ${directory} is full: PostgreSQL needs 128 MB to begin. Free some space and start again.`, {
    details: { reason: 'disk_full' },
  })
}
