import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Only the owner may read these. */
const secretMode = 0o600

/** Makes the folder of an installation, and a `.gitignore` in it, because it holds keys. */
export async function prepareHome(home: string): Promise<void> {
  await mkdir(join(home, 'logs'), { recursive: true })
  await writeFile(join(home, '.gitignore'), '*\n')
}

/** The master key of this installation, made at the first start. Losing it means entering every cloud credential again. */
export async function masterKey(home: string): Promise<string> {
  const file = join(home, 'master-key')
  const found = await readOptional(file)
  if (found !== undefined) return found.trim()
  const made = `local:${randomBytes(32).toString('base64')}`
  await writeFile(file, `${made}\n`, { mode: secretMode, flag: 'wx' })
  return made
}

export const adminKeyFile = (home: string): string => join(home, 'admin-key')

export async function writeAdminKey(home: string, secret: string): Promise<void> {
  await writeFile(adminKeyFile(home), `${secret}\n`, { mode: secretMode })
}

export const readAdminKey = async (home: string): Promise<string | undefined> => (await readOptional(adminKeyFile(home)))?.trim()

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
