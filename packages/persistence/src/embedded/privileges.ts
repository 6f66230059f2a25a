import { execFileSync } from 'node:child_process'
import { chown, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '@understudy/core'
import { useOwnServer } from './binaries.ts'

/** How to start one of PostgreSQL's programs: it refuses to run as root, so root starts it as the user `nobody`. */
export interface Privileges {
  /** Turns a program and its arguments into what must be spawned. */
  command(program: string, args: readonly string[]): { file: string; args: string[]; identity: { uid?: number; gid?: number } }
  /** Gives a directory, with everything in it, to the user that the server runs as. */
  own(directory: string): Promise<void>
}

/**
 * The privileges with which `programs` can be started and `directory` (it must exist) can be used. Data that an ordinary user
 * made stays that user's when root starts the server once.
 */
export async function findPrivileges(programs: readonly string[], directory: string): Promise<Privileges> {
  if (process.getuid?.() !== 0) return { command: (file, args) => ({ file, args: [...args], identity: {} }), own: () => Promise.resolve() }
  const { uid, gid } = (await ownerOf(join(directory, 'data'))) ?? nobody()
  const own = (path: string): Promise<void> => chownTree(path, uid, gid)
  const isReachable = (await Promise.all([...programs, directory].map(canOthersReach))).every(Boolean)
  if (isReachable) return { command: (file, args) => ({ file, args: [...args], identity: { uid, gid } }), own }
  return { command: (program, args) => ({ file: 'setpriv', args: [...setprivFlags(uid, gid), program, ...args], identity: {} }), own }
}

/**
 * A checkout below /root, or in any folder that only root may enter, is out of reach for `nobody`. There the server keeps one
 * privilege of root, to pass by permissions; `no_setuid_fixup` because access(2), which PostgreSQL calls on itself, drops it otherwise.
 */
function setprivFlags(uid: number, gid: number): string[] {
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return [...identity, '--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
}

async function ownerOf(data: string): Promise<{ uid: number; gid: number } | undefined> {
  const found = await stat(data).catch(() => undefined)
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined
}

function nobody(): { uid: number; gid: number } {
  try {
    const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }).trim())
    return { uid: id('-u'), gid: id('-g') }
  } catch (cause) {
    throw new AppError(
      'unavailable',
      `PostgreSQL does not run as root and this system has no user "nobody" to run it as. Start as an ordinary user. ${useOwnServer}`,
      { cause },
    )
  }
}

/** Whether everybody may enter all directories above `path`, and read and run `path` itself. */
async function canOthersReach(path: string): Promise<boolean> {
  const { mode } = await stat(path)
  const parent = dirname(path)
  const needed = parent === path ? 0o001 : 0o005
  if ((mode & needed) !== needed) return false
  return parent === path ? true : canOthersEnter(parent)
}

async function canOthersEnter(directory: string): Promise<boolean> {
  const { mode } = await stat(directory)
  if ((mode & 0o001) === 0) return false
  const parent = dirname(directory)
  return parent === directory ? true : canOthersEnter(parent)
}

async function chownTree(path: string, uid: number, gid: number): Promise<void> {
  const found = await stat(path)
  // Ownership is uniform below: it is only ever changed as a whole.
  if (found.uid === uid && found.gid === gid) return
  if (found.isDirectory()) for (const name of await readdir(path)) await chownTree(join(path, name), uid, gid)
  await chown(path, uid, gid)
}
