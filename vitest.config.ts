import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/** Folders whose tests need PostgreSQL, and Redis where there is one; the others start at once. */
const withServers = [
  'packages/{persistence,queue,testing}/src/**/*.test.ts',
  'packages/control/src/**/*.saga.test.ts',
  'apps/*/src/**/*.test.ts',
  'test/{integration,e2e,bench}/**/*.test.ts',
]

/** Long, and with servers of their own. */
const worlds = ['test/simulation/**/*.test.ts', 'test/integration/crash/**/*.test.ts']

/** A time that ends a test that hangs. How fast a machine is, or how busy, is not what is tested. */
const patience = { testTimeout: 300_000, hookTimeout: 300_000 }

/**
 * Tests with servers wait more than they think: for leases, for clocks that run at a pace of their own, for commits. With one worker for each
 * processor a third of it is idle. No more than PostgreSQL has connections for.
 */
const maxWorkers = Math.min(2 * availableParallelism() + 1, 16)

/**
 * Files that share a process load what they import once: half of the work of the many short ones. They may, as no test replaces a module,
 * stops a clock of the process or leaves its environment changed.
 */
const isolate = false

/** The longest begin first, so that no processor is idle while the last of them ends. */
class WorldsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isWorld = (file: TestSpecification): boolean => file.project.name === 'worlds'
    return [...sorted.filter((file) => isWorld(file)), ...sorted.filter((file) => !isWorld(file))]
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: WorldsFirst },
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers,
          isolate,
          include: ['packages/*/src/**/*.test.ts', 'test/architecture/**/*.test.ts', 'scripts/**/*.test.ts', 'tools/*/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...withServers],
          ...patience,
        },
      },
      {
        test: {
          name: 'servers',
          maxWorkers,
          isolate,
          include: withServers,
          exclude: ['**/node_modules/**', ...worlds],
          globalSetup: ['packages/testing/src/servers/global-setup.ts'],
          ...patience,
        },
      },
      {
        test: {
          name: 'worlds',
          maxWorkers,
          include: worlds,
          exclude: ['**/node_modules/**'],
          globalSetup: ['packages/testing/src/servers/global-setup.ts'],
          ...patience,
        },
      },
      {
        test: {
          // On a real account, where UNDERSTUDY_LIVE names one; skipped otherwise.
          name: 'live',
          sequence: { groupOrder: 1 },
          include: ['test/live/**/*.test.ts'],
          testTimeout: 30 * 60_000,
          hookTimeout: 30 * 60_000,
        },
      },
    ],
  },
})
