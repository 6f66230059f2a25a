/** `npm run live`: the conformance suite on the account that UNDERSTUDY_LIVE and its companions name. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { liveConfig } from './config.ts'

if (liveConfig() === undefined) {
  process.stderr.write('UNDERSTUDY_LIVE is not set: there is no account to run against. docs/clouds/README.md says what to set.\n')
  process.exit(2)
}
const root = join(import.meta.dirname, '../..')
const flags = ['run', '--project', 'live', ...process.argv.slice(2)]
const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...flags], { cwd: root, stdio: 'inherit' })
// The suite deletes what it has made before it ends: it is asked to end, and waited for.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code) => process.exit(code ?? 1))
