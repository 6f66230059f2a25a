import type { ControlReply } from '../control/handle.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'

/** A cloud that runs beside the simulated region, with a data centre and a data plane of its own. */
export interface Cloud {
  /** Of the provider, and of the path of its controls: `gcp`. */
  readonly name: string
  /** Of its API. */
  readonly url: string
  /** What is behind it, for who watches it from inside the process. */
  readonly dataCentre: DataCentre
  /** One request below `/_sim/<name>`; `path` is what follows. */
  control(request: { readonly method: string; readonly path: string; readonly text: string }): Promise<ControlReply>
  close(): Promise<void>
}

export interface CloudOptions {
  /** Loopback port; 0 or absent for any free one. */
  readonly port?: number
  /** Where state and disks are kept. Absent: in memory only. */
  readonly stateDirectory?: string
  readonly seed?: number
  /** How fast the simulated clock runs. */
  readonly speed?: number
  readonly onInternalError: (error: unknown) => void
}
