import { z } from 'zod'

const tags = z.record(z.string(), z.string())
const latency = z.union([z.number().min(0), z.strictObject({ minMs: z.number().min(0), maxMs: z.number().min(0) })])
const instanceIds = z.array(z.string()).min(1)

export const seedBody = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/),
  count: z.number().int().min(1).max(20_000).default(1),
  purchase: z.enum(['spot', 'on-demand']).default('spot'),
  instanceType: z.string().optional(),
  zone: z.string().optional(),
  placementGroup: z.string().optional(),
  tags: tags.default({}),
  addresses: z.boolean().default(false),
  /** How long a target that is taken out may finish what it serves. */
  deregistrationDelaySeconds: z.number().int().min(0).max(3600).optional(),
})

export const interruptBody = z
  .strictObject({
    instanceIds: instanceIds.optional(),
    zone: z.string().optional(),
    instanceType: z.string().optional(),
    /** Default: what the instance was launched with. */
    action: z.enum(['terminate', 'stop', 'hibernate']).optional(),
    noticeSeconds: z.number().min(0).max(86_400).default(120),
    /** No notice at all: the instance just goes. */
    silent: z.boolean().default(false),
    /** The notice comes this long after the instance has gone. */
    lateSeconds: z.number().min(0).max(86_400).optional(),
    /** How many times the notice is delivered. */
    copies: z.number().int().min(1).max(100).default(1),
  })
  .refine((body) => body.instanceIds !== undefined || body.zone !== undefined || body.instanceType !== undefined, {
    error: 'name instanceIds, a zone or an instanceType',
  })

export const rebalanceBody = z.strictObject({ instanceIds })

export const scheduledEventBody = z.strictObject({
  instanceId: z.string(),
  code: z.enum(['instance-reboot', 'system-reboot', 'system-maintenance', 'instance-retirement', 'instance-stop']),
  /** Seconds from now. */
  startsInSeconds: z.number().min(0),
  durationSeconds: z.number().min(0).optional(),
  /** Seconds from now until which it may be postponed. */
  postponableForSeconds: z.number().min(0).optional(),
  description: z.string().optional(),
  /** How long it is under way. Left out: no time. */
  lastsSeconds: z.number().min(0).optional(),
})

/** The cloud moves the start of one event, or of all that are ahead of the instance. */
export const moveEventBody = z.strictObject({ instanceId: z.string(), instanceEventId: z.string().optional(), startsInSeconds: z.number().min(0) })

/** Of one event, or of all that are ahead of the instance. */
export const cancelEventBody = z.strictObject({ instanceId: z.string(), instanceEventId: z.string().optional() })

const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['throttle', 'capacity', 'internal_error', 'unavailable', 'reset_before', 'reset_after']) }),
  z.strictObject({ kind: z.literal('latency'), latency }),
  z.strictObject({ kind: z.literal('error'), code: z.string(), message: z.string(), status: z.number().int().min(400).max(599) }),
])

/** Any number of these at once. */
export const faultBody = z.strictObject({
  failNext: z.strictObject({ operation: z.string(), fault, times: z.number().int().min(1).max(100_000).default(1) }).optional(),
  plan: z.array(z.strictObject({ operation: z.string(), fault, probability: z.number().min(0).max(1) })).optional(),
  failZone: z.string().optional(),
  restoreZone: z.string().optional(),
  stickNext: z.enum(['pending', 'stopping', 'shutting-down']).optional(),
  /** Of an instance: its snapshots stay pending. */
  stickSnapshots: z.string().optional(),
  releaseStuck: z.literal(true).optional(),
  slowStarts: z.number().min(0.01).max(1000).optional(),
  consistency: z.strictObject({ visibleAfter: latency.optional(), staleFor: latency.optional() }).optional(),
  queue: z
    .strictObject({ name: z.string(), duplicate: z.number().min(0).max(1).default(0), reorder: z.number().min(0).max(1).default(0) })
    .optional(),
  answering: z.strictObject({ instanceId: z.string(), answering: z.boolean() }).optional(),
  /** From now on the cloud says that this snapshot cannot be read. */
  spoilSnapshot: z.string().optional(),
  /** Its bytes are others from now on, and the cloud does not notice. */
  corruptSnapshot: z
    .strictObject({
      snapshotId: z.string(),
      offset: z.int().min(0),
      length: z
        .int()
        .min(1)
        .max(1 << 20)
        .default(1),
    })
    .optional(),
  /** Behind the back of whoever took it. */
  deleteSnapshot: z.string().optional(),
  /** Milliseconds before each answer of every guest. */
  guestLatencyMs: z.number().min(0).max(60_000).optional(),
})

export const capacityBody = z.strictObject({
  instanceType: z.string(),
  zone: z.string(),
  market: z.enum(['on-demand', 'spot']),
  /** `null`: plenty. */
  free: z.number().int().min(0).nullable(),
})

export const priceBody = z.strictObject({ instanceType: z.string(), zone: z.string().optional(), usdPerHour: z.number().positive() })

export const clockBody = z.strictObject({ speed: z.number().positive().max(10_000) })

export const keyBody = z.strictObject({
  accessKeyId: z.string().min(16).max(128),
  secretAccessKey: z.string().min(16),
  user: z.string().optional(),
  deny: z.array(z.string()).default([]),
})

export const eventBody = z.record(z.string(), z.unknown())
