import { join } from 'node:path'

/** Root of the project: entries are given relative to it. */
export const projectRoot = join(import.meta.dirname, '..', '..', '..', '..')

/** A program that an installation consists of. */
export interface Program {
  /** Of its log file. */
  readonly name: string
  /** For people: `The <title> has ended.` */
  readonly title: string
  readonly entry: string
}

export const simulatedRegion: Program = { name: 'simulated-region', title: 'simulated AWS region', entry: 'packages/cloud-sim/src/main.ts' }
export const api: Program = { name: 'api', title: 'API', entry: 'apps/api/src/main.ts' }
export const worker: Program = { name: 'worker', title: 'worker', entry: 'apps/worker/src/main.ts' }
