import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminKeyFile, explain, masterKey, prepareHome } from './home.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'understudy-home-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('the folder of an installation', () => {
  test('is made with everything above it, and keeps its master key', async () => {
    const home = join(directory, 'one', 'two')
    await prepareHome(home)
    const made = await masterKey(home)
    expect(made).toMatch(/^local:[A-Za-z0-9+/]{43}=$/)
    await prepareHome(home)
    expect(await masterKey(home)).toBe(made)
    expect(await readFile(join(home, '.gitignore'), 'utf8')).toBe('*\n')
  })

  test('has an admin key for each database, so that none overwrites another', () => {
    const given = adminKeyFile('/home', 'postgresql://user:secret@db.example.com:5432/understudy')
    expect(given).toBe('/home/admin-key.db.example.com-5432-understudy')
    expect(adminKeyFile('/home', undefined)).toBe('/home/admin-key')
  })

  test.each([
    ['ENOSPC', 'The disk that holds /home/logs is full. Free some space and start again.'],
    ['EACCES', 'This user may not write /home/logs. Set UNDERSTUDY_HOME to a folder that this user may write.'],
    ['EROFS', '/home/logs is on a disk that can only be read. Set UNDERSTUDY_HOME to a folder that this user may write.'],
    ['EWEIRD', '/home/logs cannot be used: strange. Set UNDERSTUDY_HOME to a folder that this user may write.'],
  ])('that cannot be used (%s) is explained in one line', (code, message) => {
    expect(explain('/home', Object.assign(new Error('strange'), { code, path: '/home/logs' })).message).toBe(message)
  })
})
