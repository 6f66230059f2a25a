import type { Dna as DnaView, FailoverPlan as FailoverPlanView, Resource as ResourceView } from '@understudy/contract'
import type { Elsewhere, FailoverPlan, Resource } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present } from './optional.ts'
import { dataLagView } from './shadow.ts'

export const resourceView = (resource: Resource): z.input<typeof ResourceView> =>
  present({
    id: resource.id,
    accountId: resource.accountId,
    name: resource.name,
    nativeId: resource.nativeId,
    zone: resource.zone,
    labels: { ...resource.labels },
    status: resource.status,
    tier: resource.tier && tierView(resource.tier),
    traffic:
      resource.traffic && present({ mechanism: resource.traffic.mechanism, native: resource.traffic.native, accountId: resource.traffic.accountId }),
    hold: resource.hold && { reason: resource.hold.reason, by: resource.hold.by, until: resource.hold.until.toISOString() },
    unplaced: resource.tier && resource.unplaced?.map(({ since, ...one }) => ({ ...one, since: since.toISOString() })),
    dnaHash: resource.dnaHash,
    dnaAt: resource.dnaAt.toISOString(),
    primaryEpoch: resource.primaryEpoch,
    createdAt: resource.createdAt.toISOString(),
    updatedAt: resource.updatedAt.toISOString(),
    etag: etagOf(resource.version),
  })

const tierView = (tier: NonNullable<Resource['tier']>) =>
  present({
    readiness: tier.readiness,
    shadows: tier.shadows,
    zones: typeof tier.zones === 'string' ? tier.zones : [...tier.zones],
    hosts: tier.hosts,
    instanceType: tier.instanceType,
    purchase: tier.purchase,
    holdMemory: tier.holdMemory,
    proofMaxAgeSeconds: tier.proofMaxAgeSeconds,
    formerPrimary: tier.formerPrimary,
    elsewhere: tier.elsewhere?.map(elsewhereView),
  })

const elsewhereView = ({ definition, ...place }: Elsewhere) => {
  const { bootData, ...rest } = definition
  const shown = bootData.from === 'nothing' ? undefined : bootData.from === 'primary' ? { from: bootData.from } : { sha256: bootData.sha256 }
  return {
    ...place,
    zones: typeof place.zones === 'string' ? place.zones : [...place.zones],
    definition: present({ ...rest, securityGroups: [...rest.securityGroups], bootData: shown }),
  }
}

export const planView = (plan: FailoverPlan): z.input<typeof FailoverPlanView> =>
  present({
    resourceId: plan.resourceId,
    primary: plan.primary,
    primaryEpoch: plan.primaryEpoch,
    kind: plan.kind,
    shadowId: plan.shadowId ?? undefined,
    steps: plan.steps.map(({ name, title, expectedSeconds, elapsedSeconds, withinNotice }) =>
      present({ name, title, expectedSeconds, elapsedSeconds, withinNotice: withinNotice ?? undefined }),
    ),
    expectedSeconds: plan.expectedSeconds,
    secondsAvailable: plan.secondsAvailable ?? undefined,
    fits: plan.fits,
    notice: plan.notice ?? undefined,
    dataLag: plan.dataLag === null ? undefined : dataLagView(plan.dataLag),
    clientsFollowSeconds: plan.clientsFollowSeconds ?? undefined,
    warnings: [...plan.warnings],
  })

/** The definition comes out of the database as JSON and goes out as it is. */
export const dnaView = (resource: Pick<Resource, 'dna' | 'dnaHash' | 'dnaAt'>): z.input<typeof DnaView> => ({
  hash: resource.dnaHash,
  at: resource.dnaAt.toISOString(),
  definition: { ...resource.dna } as unknown as z.input<typeof DnaView>['definition'],
})
