import type { protos } from '@google-cloud/compute'
import { changeOptions, listed, listOptions } from './call-kit.ts'
import type { Accepted, Tell } from './call-kit.ts'

export type Firewall = protos.google.cloud.compute.v1.IFirewall

interface Requested {
  readonly requestId: string
  readonly signal?: AbortSignal | undefined
}

/** Firewall rules of networks, which are global. */
export const firewallCalls = (project: string, tell: Tell, accepted: Accepted) => ({
  listFirewalls: (filter: string) => listed(tell, ({ firewalls }) => firewalls.listAsync({ project, filter, maxResults: 500 }, listOptions)),
  insertFirewall: (firewallResource: Firewall, { requestId, signal }: Requested) =>
    accepted(({ firewalls }) => firewalls.insert({ project, firewallResource, requestId }, changeOptions), { signal }),
  patchFirewall: (firewall: string, firewallResource: Firewall, { requestId, signal }: Requested) =>
    accepted(({ firewalls }) => firewalls.patch({ project, firewall, firewallResource, requestId }, changeOptions), { signal }),
  deleteFirewall: (firewall: string, { requestId, signal }: Requested) =>
    accepted(({ firewalls }) => firewalls.delete({ project, firewall, requestId }, changeOptions), { signal }),
})
