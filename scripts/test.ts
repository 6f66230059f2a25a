/**
 * `npm test [-- vitest arguments]`: the checks of `npm run check`, then every test. Says at its end which tests did not run and
 * why, and closes with one line of totals, in which each check counts as a test.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checks } from './checks.ts'
import { readReport, sayWhatDidNotRun } from './test-report.ts'
import { root, runSteps } from './steps.ts'

const results = await runSteps(checks)
const directory = await mkdtemp(join(tmpdir(), 'understudy-report-'))
const reportFile = join(directory, 'report.json')
const code = await runVitest(process.argv.slice(2))
const report = await readReport(reportFile)
await rm(directory, { recursive: true, force: true })

sayWhatDidNotRun(report)
const failedChecks = results.filter((result) => !result.isPassed)
for (const { title } of failedChecks) console.log(`FAILED  ${title}: see the beginning of this output.`)
const passed = report.passed + results.length - failedChecks.length
// An error outside of any test fails the run without failing a test; the totals must not look green then.
const outside = code !== 0 && report.failed === 0 ? 1 : 0
const failed = report.failed + failedChecks.length + outside
console.log(`${passed} passed, ${failed} failed, ${report.skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)

async function runVitest(args: readonly string[]): Promise<number> {
  const hasReporter = args.some((arg) => arg.startsWith('--reporter'))
  const flags = ['run', ...(hasReporter ? [] : ['--reporter=default']), '--reporter=json', `--outputFile.json=${reportFile}`, ...args]
  const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...flags], { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on('error', () => resolve(1))
    child.on('close', (exitCode) => resolve(exitCode ?? 1))
  })
}
