import type { DataCentre } from '@understudy/cloud-sim'
import type { Prober } from '../probes/prober.ts'

/** Asks the guests of a data centre in the same process: in virtual time no network answers. */
export const simProber = (dc: DataCentre): Prober => ({
  attempt(_probe, { address }) {
    const [guest] = [...dc.instances.all()].filter(({ nics, state }) => state !== 'terminated' && nics.some(({ privateIp }) => privateIp === address))
    const passed = guest?.answering === true
    return Promise.resolve({ passed, detail: passed ? 'It answers.' : 'It does not answer.' })
  },
})
