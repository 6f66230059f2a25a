import type { JsonObject } from '@understudy/core'
import type { TrafficMechanism } from '@understudy/provider'

/** An entry point that a person has set up, with nobody or anybody behind it. */
export interface EntryPoint {
  /** The `native` part of a traffic binding. */
  readonly native: JsonObject
  /** Answers with the native id of whoever serves, as the template's start-up script makes its instances do. */
  readonly url: string
}

const mechanisms: readonly TrafficMechanism[] = ['lb-weight', 'lb-target', 'address-move', 'dns-weight']
export const isTrafficMechanism = (name: string): name is TrafficMechanism => (mechanisms as readonly string[]).includes(name)
