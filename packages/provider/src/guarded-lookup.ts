import { lookup } from 'node:dns'
import type { LookupAddress, LookupOptions } from 'node:dns'

/** Says why an address must not be connected to; undefined: it may. */
export type AddressGuard = (address: string) => string | undefined

/** Code of the error of a connection that was refused by a guard. */
export const addressRefusedCode = 'ADDRESS_REFUSED'

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/**
 * A name resolution for Node's agents that answers only addresses a guard lets through, so that what was checked is what is
 * connected to: a name that is harmless when it is entered may lead to a metadata service when it is used.
 */
export function guardedLookup(guard: AddressGuard) {
  return (hostname: string, options: LookupOptions, answer: Answer): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return answer(error, [])
      const allowed = addresses.filter(({ address }) => guard(address) === undefined)
      const [first] = allowed
      if (first === undefined) {
        const reason = guard(addresses[0]?.address ?? '') ?? 'has no address'
        return answer(Object.assign(new Error(`${hostname} ${reason}`), { code: addressRefusedCode }), [])
      }
      if (options.all === true) answer(null, allowed)
      else answer(null, first.address, first.family)
    })
  }
}
