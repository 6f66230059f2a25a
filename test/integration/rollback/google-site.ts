import { seededGoogleImage, startGoogleServer } from '@understudy/cloud-sim'
import { setTimeout } from 'node:timers/promises'
import { latencies, type Site } from './site.ts'

const speed = 200

export async function googleSite(): Promise<Site> {
  const server = await startGoogleServer({ speed, latencies })
  const { project, dataCentre, clock, url, accessToken, region } = server
  const zone = `${region}-b`
  const recordOf = (nativeId: string) => project.instance(zone, nativeId)
  return {
    account: {
      name: 'simulated Google Cloud',
      provider: 'gcp',
      region,
      nativeAccount: project.id,
      settings: { endpoint: url },
      credentials: { accessToken },
    },
    dataCentre,
    clock,
    speed,
    async make(name) {
      const answer = await fetch(`${url}/compute/v1/projects/${project.id}/zones/${zone}/instances`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(machine(zone, name)),
      })
      if (!answer.ok) throw new Error(await answer.text())
      const { id, instanceId } = recordOf(name)
      while (dataCentre.instances.get(instanceId)?.state !== 'running') await setTimeout(10)
      return id
    },
    instanceIdOf: (nativeId) => recordOf(nativeId).instanceId,
    attachments: (nativeId) =>
      recordOf(nativeId)
        .disks.toSorted((a, b) => (a.boot === b.boot ? (a.deviceName < b.deviceName ? -1 : 1) : a.boot ? -1 : 1))
        .map(({ deviceName: device, name, autoDelete: deletes }) => ({ device, volumeId: project.disk(zone, name).volumeId, deletes })),
    // The external one comes from the pool and goes with a stop.
    addresses: (nativeId) => project.machine(recordOf(nativeId)).nics.map(({ privateIp }) => privateIp),
    seclusion(instanceId) {
      const record = project.instances().find((candidate) => candidate.instanceId === instanceId)
      if (record === undefined) return undefined
      const rules = project.firewalls
        .map(({ rule }) => rule as unknown as Rule) // as it was accepted
        .filter(({ targetTags }) => targetTags.some((tag) => record.networkTags.includes(tag)))
        .toSorted((a, b) => a.priority - b.priority || (a.direction < b.direction ? -1 : 1))
        .map(
          (rule) => `${rule.denied === undefined ? 'allow' : 'deny'} ${rule.direction} ${(rule.destinationRanges ?? rule.sourceRanges)?.join(' ')}`,
        )
      return { rules, identity: record.serviceAccounts.length > 0, publicAddress: record.hasExternalAddress }
    },
    guards: () => project.firewalls.length,
    snapshotIdOf: (member) =>
      (project.snapshots.find(({ id }) => `snapshots/${id}` === member) ?? project.images.find(({ id }) => `images/${id}` === member))?.snapshotId ??
      '',
    async lose(member) {
      const { name } = project.snapshots.find(({ id }) => `snapshots/${id}` === member)!
      const address = `${url}/compute/v1/projects/${project.id}/global/snapshots/${name}`
      const answer = await fetch(address, { method: 'DELETE', headers: { authorization: `Bearer ${accessToken}` } })
      if (!answer.ok) throw new Error(await answer.text())
    },
    close: () => server.close(),
  }
}

interface Rule {
  readonly direction: string
  readonly priority: number
  readonly targetTags: readonly string[]
  readonly sourceRanges?: readonly string[]
  readonly destinationRanges?: readonly string[]
  readonly denied?: unknown
}

const machine = (zone: string, name: string) => {
  const data = (deviceName: string, diskSizeGb: string, autoDelete: boolean) => ({
    ...{ boot: false, autoDelete, deviceName },
    initializeParams: { diskSizeGb, diskType: `zones/${zone}/diskTypes/pd-ssd` },
  })
  const sourceImage = `projects/sim-images/global/images/${seededGoogleImage}`
  return {
    name,
    machineType: `zones/${zone}/machineTypes/e2-standard-2`,
    disks: [
      {
        boot: true,
        autoDelete: true,
        deviceName: 'boot',
        initializeParams: { sourceImage, diskSizeGb: '20', diskType: `zones/${zone}/diskTypes/pd-balanced` },
      },
      data('data-0', '8', true),
      data('data-1', '4', false),
    ],
    networkInterfaces: [{ accessConfigs: [{ name: 'External NAT', type: 'ONE_TO_ONE_NAT' }] }],
  }
}
