import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'

/*
 * Loaded into the worker by `--profile`: each SIGUSR2 begins a CPU profile, or ends it and writes it. Node's own `--cpu-prof` writes
 * at the end of the process, which a worker with thousands of operations does not reach soon.
 */
const directory = process.env['BENCH_PROFILE_DIR'] ?? '.'
const session = new Session()
session.connect()
let isRunning = false
process.on('SIGUSR2', () => {
  void (async () => {
    if (isRunning) {
      const { profile } = await session.post('Profiler.stop')
      writeFileSync(join(directory, 'worker.cpuprofile'), JSON.stringify(profile))
    } else {
      await session.post('Profiler.enable')
      await session.post('Profiler.start')
    }
    isRunning = !isRunning
  })()
})
