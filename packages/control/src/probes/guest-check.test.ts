import { describe, expect, it } from 'vitest'
import { guestCheckSchema, judge, scriptOf } from './guest-check.ts'

const checksum = guestCheckSchema.parse({ kind: 'checksum', path: `/srv/it's; rm -rf $HOME`, sha256: 'a'.repeat(64) })
const query = guestCheckSchema.parse({ kind: 'query', name: 'q', engine: 'postgresql', database: 'shop', sql: `select 'x'; \`id\``, expects: 'x' })
const command = guestCheckSchema.parse({ kind: 'command', name: 'c', script: 'exit 3', exitCode: 3, contains: 'ok' })
const end = (exitCode: number | undefined, output: string) => ({
  ...(exitCode === undefined ? {} : { exitCode }),
  output,
  nativeState: exitCode === undefined ? 'TimedOut' : 'Success',
})

describe('checks inside of an instance', () => {
  it('put what a caller has written into one word of the shell', () => {
    expect(scriptOf(checksum).text).toBe(String.raw`sha256sum -- '/srv/it'\''s; rm -rf $HOME'`)
    expect(scriptOf(query).text).toBe(
      String.raw`runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d 'shop' -c 'select '\''x'\''; ` + '`id`' + `'`,
    )
  })

  it('refuse what would end the line, or be taken for an option', () => {
    expect(guestCheckSchema.safeParse({ kind: 'checksum', path: '/a\nb', sha256: 'a'.repeat(64) }).success).toBe(false)
    expect(guestCheckSchema.safeParse({ ...query, database: '--help' }).success).toBe(false)
  })

  it('pass for what was meant, and say nothing of what a script has said', () => {
    expect(judge(checksum, end(0, `${'a'.repeat(64)}  /srv/x\n`)).passed).toBe(true)
    expect(judge(query, end(0, ' x\n')).passed).toBe(true)
    expect(judge(command, end(3, 'all ok')).passed).toBe(true)
    const secret = 'password=hunter2'
    for (const [check, seen] of [
      [checksum, end(0, secret)],
      [checksum, end(1, secret)],
      [query, end(0, secret)],
      [command, end(3, secret)],
      [command, end(undefined, secret)],
    ] as const) {
      const { passed, detail } = judge(check, seen)
      expect({ passed, tells: detail.includes('hunter2') }).toEqual({ passed: false, tells: false })
    }
  })
})
