/** `npm run bench -- <name> [options]`: one file per bench, which reads its own options. */
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  failover: () => import('./failover.ts'),
  recovery: async () => (await import('./recovery.ts')).benchRecovery(process.argv.slice(3)),
  forecast: () => import('./forecast/forecast.ts'),
  'forecast-factors': async () => (await import('./forecast-factors.ts')).benchForecastFactors(process.argv.slice(3)),
  'forecast-pool': async () => (await import('./forecast-pool.ts')).benchForecastPool(process.argv.slice(3)),
  sizing: async () => (await import('./sizing/sizing.ts')).benchSizing(process.argv.slice(3)),
  'spot-policy': async () => (await import('./spot-policy.ts')).benchSpotPolicy(process.argv.slice(3)),
  deviation: async () => (await import('./deviation.ts')).benchDeviation(process.argv.slice(3)),
  nab: async () => (await import('./nab.ts')).benchNab(),
}

const bench = benches[process.argv[2] ?? '']
if (bench === undefined) {
  process.stdout.write(`Usage: npm run bench -- ${Object.keys(benches).join(' | ')} [options]\n`)
  process.exit(2)
}
await bench()
