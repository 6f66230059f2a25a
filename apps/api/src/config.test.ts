import { ConfigError } from '@understudy/config'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { apiSettings, environment, loadConfig } from './config.ts'

const key = Buffer.alloc(32, 1).toString('base64')
const enough = { DATABASE_URL: 'postgresql://u:p4ssw0rd@localhost/understudy', UNDERSTUDY_MASTER_KEY: key }

test('a database and a master key are enough', () => {
  expect(loadConfig(enough)).toMatchObject({ API_HOST: '127.0.0.1', API_PORT: 7070, INSTALLATION: 'default', LOG_LEVEL: 'info' })
})

test('all problems are reported at once, without the values', () => {
  const env = {
    ...enough,
    DATABASE_URL: 'mysql://secret',
    UNDERSTUDY_MASTER_KEY: 'short',
    API_PORT: '70000',
    LOG_LEVEL: 'loud',
    WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8,nonsense',
  }
  let message = ''
  try {
    loadConfig(env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    message = String(error)
  }
  for (const name of ['DATABASE_URL', 'UNDERSTUDY_MASTER_KEY', 'API_PORT', 'LOG_LEVEL', 'WEBHOOK_ALLOWED_NETWORKS'])
    expect(message).toContain(`${name}:`)
  for (const value of ['mysql://secret', 'short', 'nonsense']) expect(message).not.toContain(value)
})

test('secrets do not show when the configuration is printed', () => {
  const config = loadConfig(enough)
  for (const text of [inspect(config), JSON.stringify(config), inspect(apiSettings(config))]) {
    expect(text).not.toContain('p4ssw0rd')
    expect(text).not.toContain(key)
  }
})

test('.env.example names every variable with its description and its default', () => {
  const example = readFileSync(path.join(import.meta.dirname, '../../../.env.example'), 'utf8')
  for (const [name, schema] of Object.entries(environment.shape)) {
    const { description } = schema.meta() ?? {}
    expect(description, name).toBeDefined()
    expect(example, name).toMatch(new RegExp(`^# ${escaped(description ?? '')}\n#? ?${name}=`, 'm'))
  }
  const values = Object.fromEntries([...example.matchAll(/^#? ?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
  expect(() => loadConfig({ ...values, UNDERSTUDY_MASTER_KEY: key, REDIS_URL: '', UNDERSTUDY_MASTER_KEYS_OLD: '' })).not.toThrow()
})

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
