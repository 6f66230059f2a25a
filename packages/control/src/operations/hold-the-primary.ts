/**
 * Operations that hold the lock `failover:<resource>`: while one of them is unfinished it alone decides where the primary is and whether
 * it runs, and what the clouds say about it is not acted upon twice.
 */
export const holdingThePrimary: ReadonlySet<string> = new Set(['failover', 'recovery.rollback'])
