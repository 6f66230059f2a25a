const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

/** Which room may import which. Anything not listed is forbidden. Keep in step with ARCHITECTURE.md. */
const may = {
  core: [],
  forecast: ['core'],
  config: ['core'],
  contract: ['core'],
  saga: ['core'],
  telemetry: ['core'],
  provider: ['core'],
  'cloud-sim': ['core', 'provider'],
  'provider-aws': ['core', 'provider'],
  'provider-gcp': ['core', 'provider'],
  'provider-azure': ['core', 'provider'],
  control: ['core', 'provider', 'saga'],
  persistence: ['core', 'control', 'saga'],
  queue: ['core', 'control', 'saga'],
  adapters: ['core', 'control', 'provider', 'provider-aws', 'provider-gcp'],
  testing: ['core', 'control', 'persistence', 'provider', 'saga'],
}
const rooms = Object.keys(may)
/** Tests, and what only they use, may use the doubles and the real neighbours that their room works with. */
const test = '\\.test\\.ts$|/(conformance|testing)/|/(test-[a-z-]+|testing-[a-z-]+|fixtures?)\\.ts$'
const anyOf = (names) => `^packages/(${names.join('|')})/`

const roomRules = rooms.map((room) => ({
  name: `${room}-sees-only-${may[room].join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^packages/${room}/`, pathNot: test },
  to: { path: '^(apps|packages|test|scripts|tools)/', pathNot: anyOf([room, ...may[room]]) },
}))

/** The files by which a package is entered: those that its package.json exports. */
const frontDoors = readdirSync(join(__dirname, 'packages')).flatMap((name) => {
  const file = join(__dirname, 'packages', name, 'package.json')
  if (!existsSync(file)) return []
  const { exports } = JSON.parse(readFileSync(file, 'utf8'))
  return Object.values(exports).map((target) => `^packages/${name}/${target.slice(2).replaceAll('.', '\\.')}$`)
})

/** A library that one room alone may import. */
const containment = (name, library, rooms) => ({
  name,
  severity: 'error',
  from: { pathNot: `${anyOf(rooms)}|^prisma\\.config\\.ts$|^test/|${test}` },
  to: { path: library },
})

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'every-package-has-a-rule',
      comment: 'A new package needs a line in the table above.',
      severity: 'error',
      from: { path: '^packages/', pathNot: anyOf(rooms) },
      to: {},
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'apps-never-import-apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: test },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    { name: 'packages-never-import-apps', severity: 'error', from: { path: '^packages/' }, to: { path: '^(apps|scripts)/' } },
    {
      name: 'apps-use-no-test-doubles',
      severity: 'error',
      from: { path: '^apps/', pathNot: test },
      to: { path: '^packages/testing/|/conformance/' },
    },
    {
      name: 'enter-packages-by-the-front-door',
      severity: 'error',
      from: { path: '^(apps|packages|test|scripts)/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$2/', ...frontDoors] },
    },
    {
      name: 'gates-are-pure',
      severity: 'error',
      from: { path: '\\.gate\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|util|assert)$' },
    },
    containment('aws-sdk-stays-in-provider-aws', 'node_modules/@(aws-sdk|smithy)/', ['provider-aws']),
    containment('google-sdk-stays-in-provider-gcp', 'node_modules/(@google-cloud|google-auth-library|google-gax|gaxios)/', ['provider-gcp']),
    containment('azure-sdk-stays-in-provider-azure', 'node_modules/@azure/', ['provider-azure']),
    containment('prisma-stays-in-persistence', 'node_modules/(@prisma/|prisma/)|persistence/src/generated/', ['persistence']),
    containment('postgres-driver-stays-in-persistence-and-queue', 'node_modules/(pg|pg-pool|postgres)/', ['persistence', 'queue', 'testing']),
    containment('threads-of-forecasts-stay-in-forecast', 'node_modules/piscina/', ['forecast']),
    containment('training-stays-in-forecast', 'node_modules/@tensorflow/', ['forecast']),
    containment('queue-library-stays-in-queue', 'node_modules/(bullmq|ioredis)/', ['queue']),
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: { path: '^(apps|packages)/', pathNot: test },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-unresolvable', severity: 'error', from: { path: '^(apps|packages|test|scripts)/' }, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'packages/contract/src/client/generated/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
    },
  },
}
