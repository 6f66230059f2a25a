import { AppError } from '@understudy/core'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Only the owner may read these. */
const secretMode = 0o600

/** Makes the folder of an installation, and a `.gitignore` in it, because it holds keys. Throws `unavailable` when it cannot be used. */
export async function prepareHome(home: string): Promise<void> {
  try {
    await makeFolder(logDirectory(home))
    await writeFile(join(home, '.gitignore'), '*\n')
  } catch (error) {
    throw explain(home, error)
  }
}

/** By hand, because `recursive` of `mkdir` never returns where a folder can be seen but nothing made in it, as below /proc. */
async function makeFolder(path: string, isParentMade = false): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || isParentMade) throw error
    await makeFolder(dirname(path))
    await makeFolder(path, true)
  }
}

export const logDirectory = (home: string): string => join(home, 'logs')

/** The master key of this installation, made at the first start. Losing it means entering every cloud credential again. */
export async function masterKey(home: string): Promise<string> {
  const file = join(home, 'master-key')
  const found = (await readOptional(home, file))?.trim()
  if (found !== undefined && found !== '') return found
  const made = `local:${randomBytes(32).toString('base64')}`
  await writeSecret(home, file, made)
  return made
}

/** The key of the embedded database, or of one that is given: they have different keys, and neither may overwrite the other's. */
export function adminKeyFile(home: string, databaseUrl: string | undefined): string {
  if (databaseUrl === undefined) return join(home, 'admin-key')
  const { host, pathname } = new URL(databaseUrl)
  return join(home, `admin-key.${`${host}${pathname}`.replaceAll(/[^\w.-]+/g, '-')}`)
}

export const writeAdminKey = (home: string, file: string, secret: string): Promise<void> => writeSecret(home, file, secret)

export const readAdminKey = async (home: string, file: string): Promise<string | undefined> => (await readOptional(home, file))?.trim() || undefined

async function writeSecret(home: string, file: string, secret: string): Promise<void> {
  try {
    await writeFile(file, `${secret}\n`, { mode: secretMode })
  } catch (error) {
    throw explain(home, error)
  }
}

async function readOptional(home: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw explain(home, error)
  }
}

/** One line that says what to do about a folder that cannot be used. */
export function explain(home: string, cause: unknown): AppError {
  const { code, path, message } = cause as NodeJS.ErrnoException
  const where = path ?? home
  const sentence = sentences[code ?? '']?.(where) ?? `${where} cannot be used: ${message}.`
  return new AppError('unavailable', `${sentence} ${code === 'ENOSPC' || code === 'EDQUOT' ? 'Free some space and start again.' : remedy}`, { cause })
}

const remedy = 'Set UNDERSTUDY_HOME to a folder that this user may write.'

const sentences: Readonly<Record<string, (where: string) => string>> = {
  EACCES: (where) => `This user may not write ${where}.`,
  EPERM: (where) => `This user may not write ${where}.`,
  EROFS: (where) => `${where} is on a disk that can only be read.`,
  ENOTDIR: (where) => `${where} cannot be made: something on its way is not a folder.`,
  EEXIST: (where) => `${where} exists and is not a folder.`,
  ENOENT: (where) => `${where} cannot be made.`,
  ENOSPC: (where) => `The disk that holds ${where} is full.`,
  EDQUOT: (where) => `The quota of this user for ${where} is used up.`,
}
