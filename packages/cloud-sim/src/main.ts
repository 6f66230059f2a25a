import { loadConfig } from './config.ts'
import { startAzureCloud } from './clouds/azure-cloud.ts'
import type { Cloud } from './clouds/cloud.ts'
import { startGoogleCloud } from './clouds/google-cloud.ts'
import { startSimServer } from './server.ts'

const starts = { gcp: startGoogleCloud, azure: startAzureCloud }

/** Runs one simulated region until it is told to stop. Standard output carries one line of JSON: where it listens. */
const config = loadConfig()
if (!config.ok) {
  process.stderr.write(`The simulated region cannot start:\n${config.problems.map((problem) => `  ${problem}\n`).join('')}`)
  process.exit(2)
}

try {
  const onInternalError = (error: unknown): void =>
    void process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  const clouds: Cloud[] = []
  for (const { name, ...options } of config.clouds) clouds.push(await starts[name]({ ...options, onInternalError }))
  const server = await startSimServer({ ...config.options, clouds, onInternalError })
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await server.close()
    for (const cloud of clouds) await cloud.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop().catch((error: unknown) => {
        onInternalError(error)
        process.exit(1)
      })
    })
  }
  const others = Object.fromEntries(clouds.map(({ name, url }) => [name, url]))
  const ready = { event: 'ready', url: server.url, region: server.region, account: server.dataCentre.accountId, clouds: others }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  const reason = taken
    ? `port ${config.options.port} is taken; set SIM_PORT to another, or to 0`
    : error instanceof Error
      ? error.message
      : String(error)
  process.stderr.write(`The simulated region cannot start: ${reason}\n`)
  process.exit(1)
}
