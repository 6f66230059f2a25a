import type { BackendService } from '../clients.ts'

/** For how long the load balancer keeps the connections of whoever was taken out. It shows nobody who drains. */
export const drainSecondsOf = ({ connectionDraining }: BackendService): number => connectionDraining?.drainingTimeoutSec ?? 0
