export * from './probe.ts'
export * from './prober.ts'
