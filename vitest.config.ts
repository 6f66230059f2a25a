import { defineConfig } from 'vitest/config'

/** Folders whose tests need PostgreSQL, and Redis where there is one; the others start at once. */
const withServers = [
  'packages/{persistence,queue,testing}/src/**/*.test.ts',
  'packages/control/src/**/*.saga.test.ts',
  'apps/*/src/**/*.test.ts',
  'test/{integration,e2e,bench}/**/*.test.ts',
]

/** Long, and with servers of their own: the simulation thinks while the crash matrix waits for processes and leases. */
const worlds = ['test/simulation/**/*.test.ts', 'test/integration/crash/**/*.test.ts']

/** A time that ends a test that hangs. How fast a machine is, or how busy, is not what is tested. */
const patience = { testTimeout: 300_000, hookTimeout: 300_000 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // They share nothing, so that every processor may have some; the others start servers and keep to one at a time.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
          include: ['packages/*/src/**/*.test.ts', 'test/architecture/**/*.test.ts', 'scripts/**/*.test.ts', 'tools/*/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...withServers],
          ...patience,
        },
      },
      {
        test: {
          name: 'servers',
          sequence: { groupOrder: 0 },
          include: withServers,
          exclude: ['**/node_modules/**', ...worlds],
          globalSetup: ['packages/testing/src/servers/global-setup.ts'],
          ...patience,
        },
      },
      {
        test: {
          name: 'worlds',
          // Beside the units, so that no processor waits for the last of them.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
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
          sequence: { groupOrder: 2 },
          include: ['test/live/**/*.test.ts'],
          testTimeout: 30 * 60_000,
          hookTimeout: 30 * 60_000,
        },
      },
    ],
  },
})
