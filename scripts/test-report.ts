import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { root } from './steps.ts'

/** What a test run came to. */
export interface TestReport {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Skipped tests by file and suite. */
  readonly skippedSuites: ReadonlyMap<string, number>
}

interface VitestReport {
  testResults: { name: string; status: string; assertionResults: { status: string; ancestorTitles: string[] }[] }[]
}

/** Reads the file of vitest's JSON reporter; a run that ended before it wrote one counts as one failure. */
export async function readReport(file: string): Promise<TestReport> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0, skippedSuites: new Map() }
  const { testResults } = JSON.parse(text) as VitestReport
  const skippedSuites = new Map<string, number>()
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const file of testResults) {
    for (const { status, ancestorTitles } of file.assertionResults) {
      const kind = status === 'passed' || status === 'failed' ? status : 'skipped'
      counts[kind]++
      if (kind !== 'skipped') continue
      const suite = [relative(root, file.name), ...ancestorTitles].join(' › ')
      skippedSuites.set(suite, (skippedSuites.get(suite) ?? 0) + 1)
    }
    // A file that could not be loaded failed without having a test.
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) counts.failed++
  }
  return { ...counts, skippedSuites }
}

export function sayWhatDidNotRun(report: TestReport): void {
  const lines = missingServices()
  for (const [suite, count] of report.skippedSuites) lines.push(`${count} skipped in ${suite}`)
  if (lines.length === 0) return
  const bar = '='.repeat(100)
  console.log([bar, 'NOT EVERYTHING RAN', ...lines.map((line) => `  - ${line}`), bar].join('\n'))
}

function missingServices(): string[] {
  const hasRedis = (process.env['REDIS_URL'] ?? '') !== '' || runs('redis-server')
  return [
    ...(hasRedis ? [] : ['No Redis: the suites of the Redis queue backend did not run. Install redis-server or set REDIS_URL.']),
    ...(process.env['UNDERSTUDY_LIVE'] ? [] : ['UNDERSTUDY_LIVE is not set: nothing ran against a real account (docs/clouds/README.md).']),
    ...(runs('aws') ? [] : ['No aws command line client: the test that drives the simulated region with it did not run. Install awscli.']),
  ]
}

const runs = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
