const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

const packageOf = (folder) => JSON.parse(readFileSync(join(__dirname, folder, 'package.json'), 'utf8'))
const foldersOf = (parent) => readdirSync(join(__dirname, parent)).filter((name) => existsSync(join(__dirname, parent, name, 'package.json')))

/** Every cloud is a folder of its own, and all of them may do the same. */
const providers = foldersOf('packages').filter((name) => name.startsWith('provider-'))

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
  control: ['core', 'provider', 'saga'],
  persistence: ['core', 'control', 'saga'],
  queue: ['core', 'control', 'saga'],
  adapters: ['core', 'control', 'provider', ...providers],
  testing: ['core', 'control', 'persistence', 'provider', 'saga'],
  ...Object.fromEntries(providers.map((name) => [name, ['core', 'provider']])),
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

/** What a provider's package depends on and nothing else does is its SDK, whole scopes of npm at a time. */
const elsewhere = [
  ...foldersOf('packages')
    .filter((name) => !providers.includes(name))
    .map((name) => `packages/${name}`),
  ...foldersOf('apps').map((name) => `apps/${name}`),
].flatMap((folder) => Object.keys(packageOf(folder).dependencies ?? {}))
const sdkRules = providers.flatMap((name) => {
  const own = Object.keys(packageOf(`packages/${name}`).dependencies ?? {}).filter(
    (dependency) => !dependency.startsWith('@understudy/') && !elsewhere.includes(dependency),
  )
  const scopes = [...new Set(own.map((dependency) => (dependency.startsWith('@') ? dependency.split('/')[0] : dependency)))]
  return scopes.length === 0 ? [] : [containment(`sdk-of-${name}-stays-in-it`, `node_modules/(${scopes.join('|')})/`, [name])]
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
    ...sdkRules,
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
