import { spawn } from 'node:child_process'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

export interface Step {
  readonly title: string
  readonly command: readonly [program: string, ...args: string[]]
}

export interface StepResult {
  readonly title: string
  readonly isPassed: boolean
  readonly output: string
  readonly tookMs: number
}

/** Runs one program of node_modules/.bin with the pinned Node and keeps what it says. */
export async function runStep({ title, command }: Step): Promise<StepResult> {
  const began = performance.now()
  const [program, ...args] = command
  const child = spawn(join(root, 'node_modules', '.bin', program), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      output += error.message
      resolve(1)
    })
    child.on('close', (exitCode) => resolve(exitCode ?? 1))
  })
  return { title, isPassed: code === 0, output: output.trim(), tookMs: performance.now() - began }
}

/** Runs all steps at the same time and prints each when its turn comes; a failing one does not stop the others. */
export async function runSteps(steps: readonly Step[]): Promise<StepResult[]> {
  const running = steps.map(runStep)
  const results: StepResult[] = []
  for (const step of running) {
    const result = await step
    results.push(result)
    console.log(`${result.isPassed ? 'ok    ' : 'FAILED'}  ${result.title} (${(result.tookMs / 1000).toFixed(1)} s)`)
    if (!result.isPassed) console.log(indent(result.output))
  }
  return results
}

const indent = (text: string): string => text.replaceAll(/^/gm, '        ')
