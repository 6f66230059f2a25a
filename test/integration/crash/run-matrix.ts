import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Runs the kills of one test file at every moment, with what its configuration reads from the environment; `check` refuses what makes none. */
export function runMatrix(
  testFile: string,
  wanted: Readonly<Record<string, string>>,
  check: (env: Readonly<Record<string, string>>) => unknown,
): void {
  const chosen = { CRASH_MATRIX: 'all', ...wanted }
  try {
    check(chosen)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(2)
  }
  const root = join(import.meta.dirname, '../../..')
  const flags = ['run', '--project', 'worlds', '--reporter=verbose', testFile]
  const env = { ...process.env, ...chosen }
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...flags], { cwd: root, stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.on('close', (code) => process.exit(code ?? 1))
}
