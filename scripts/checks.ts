import type { Step } from './steps.ts'

/** Everything that can be said about the code without running it. */
export const checks: readonly Step[] = [
  { title: 'types (tsc)', command: ['tsc', '-p', '.'] },
  { title: 'lint (oxlint, type-aware)', command: ['oxlint', '--type-aware', '--format=unix'] },
  { title: 'format (oxfmt); npm run format repairs it', command: ['oxfmt', '--check', '.'] },
  { title: 'unused files, exports and dependencies (knip)', command: ['knip', '--no-progress', '--reporter=compact'] },
]
