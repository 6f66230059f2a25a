import type { Script } from '@understudy/provider'
import { z } from 'zod'

const seconds = z.int().min(1).max(600).default(60)
/** Nothing that could end the line or the quotes that it is put into. */
const oneLine = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\0\r\n]*$/, 'must be one line')
const absolutePath = oneLine(500).regex(/^\//, 'must begin with /')

/** What an instance is asked from inside, through the cloud's channel for commands. It may be asked more than once: nothing of it may change anything. */
export const guestCheckSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('command'),
    name: oneLine(100),
    /** For `sh`, as the superuser. The cloud keeps it where people can read it: no secrets. */
    script: z.string().min(1).max(4000),
    exitCode: z.int().min(0).max(255).default(0),
    /** In what it says. */
    contains: z.string().min(1).max(500).optional(),
    timeoutSeconds: seconds,
  }),
  z.strictObject({
    kind: z.literal('checksum'),
    path: absolutePath,
    /** SHA-256 of the file, hexadecimal. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case'),
    timeoutSeconds: seconds,
  }),
  z.strictObject({
    kind: z.literal('query'),
    name: oneLine(100),
    engine: z.enum(['postgresql', 'mysql']),
    database: oneLine(100).regex(/^[^-]/, 'must not begin with -'),
    sql: oneLine(1000),
    /** What it has to answer, without headings and without white space around it. */
    expects: z.string().max(500),
    timeoutSeconds: seconds,
  }),
])
export type GuestCheck = z.infer<typeof guestCheckSchema>

export const guestCheckName = (check: GuestCheck): string =>
  check.kind === 'checksum' ? `checksum ${check.path}` : check.kind === 'query' ? `query ${check.engine} ${check.name}` : `command ${check.name}`

/** For `sh`: one word, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** What is run for a check. */
export function scriptOf(check: GuestCheck): Script {
  const { timeoutSeconds } = check
  switch (check.kind) {
    case 'command':
      return { text: check.script, timeoutSeconds }
    case 'checksum':
      return { text: `sha256sum -- ${quoted(check.path)}`, timeoutSeconds }
    case 'query':
      return { text: queryScript(check), timeoutSeconds }
  }
}

/** As the account of the database's own superuser, without its settings files, and ended at the first error. */
const queryScript = ({ engine, database, sql }: Extract<GuestCheck, { readonly kind: 'query' }>): string =>
  engine === 'postgresql'
    ? `runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d ${quoted(database)} -c ${quoted(sql)}`
    : `mysql --no-defaults -N -B -e ${quoted(sql)} ${quoted(database)}`

/** What a script's end says of its check. What it has said is not repeated: it may be anything, and this goes into records and events. */
export function judge(
  check: GuestCheck,
  end: { readonly exitCode?: number; readonly output: string; readonly nativeState: string },
): { readonly passed: boolean; readonly detail: string } {
  if (end.exitCode === undefined) return { passed: false, detail: `It did not end by itself (${end.nativeState}).` }
  const wantedCode = check.kind === 'command' ? check.exitCode : 0
  if (end.exitCode !== wantedCode) return { passed: false, detail: `It ended with ${end.exitCode}, not with ${wantedCode}.` }
  switch (check.kind) {
    case 'command':
      return check.contains === undefined || end.output.includes(check.contains)
        ? { passed: true, detail: `It ended with ${end.exitCode}.` }
        : { passed: false, detail: 'What it says does not contain what it should.' }
    case 'checksum':
      return end.output.startsWith(`${check.sha256} `)
        ? { passed: true, detail: 'The file is the one that was meant.' }
        : { passed: false, detail: 'The file has another checksum.' }
    case 'query':
      return end.output.trim() === check.expects
        ? { passed: true, detail: 'It answers what it should.' }
        : { passed: false, detail: 'It answers something else.' }
  }
}
