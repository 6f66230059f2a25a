import { z } from 'zod'
import { anyJson, time } from './common.ts'
import { defineRoute, json } from './route.ts'

export const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' })

export const Readiness = z
  .object({
    status: z.enum(['ready', 'not-ready']),
    checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
  })
  .meta({ id: 'Readiness' })

export const Reconciler = z
  .object({
    name: z.string(),
    lastRunAt: time,
    lastSuccessAt: time.optional(),
    lastError: z.string().optional(),
    nextRunAt: time,
    result: anyJson.optional(),
  })
  .meta({ id: 'Reconciler' })

const tags = ['service'] as const

export const getHealth = defineRoute({
  method: 'GET',
  url: '/healthz',
  access: { role: 'none' },
  schema: {
    operationId: 'getHealth',
    tags,
    summary: 'Is the process alive',
    description: 'Says nothing about the database; see `/readyz`.',
    response: { 200: json('It is.', Health) },
  },
})

export const getReadiness = defineRoute({
  method: 'GET',
  url: '/readyz',
  access: { role: 'none' },
  schema: {
    operationId: 'getReadiness',
    tags,
    summary: 'Can the service do its work',
    description: 'Asks everything it needs.',
    response: { 200: json('It can.', Readiness), 503: json('It cannot; `checks` says why.', Readiness) },
  },
})

export const getMetrics = defineRoute({
  method: 'GET',
  url: '/metrics',
  access: { role: 'none' },
  schema: {
    operationId: 'getMetrics',
    tags,
    summary: 'Metrics for Prometheus',
    description: 'In the text format. Holds no names or ids of tenants.',
    response: { 200: { description: 'Metrics.', content: { 'text/plain': { schema: z.string() } } } },
  },
})

export const getDocument = defineRoute({
  method: 'GET',
  url: '/openapi.json',
  access: { role: 'none' },
  schema: {
    operationId: 'getDocument',
    tags,
    summary: 'This document',
    description: 'OpenAPI 3.1.',
    response: { 200: json('The document.', z.record(z.string(), z.unknown())) },
  },
})

export const listReconcilers = defineRoute({
  method: 'GET',
  url: '/v1/internal/reconcilers',
  access: { role: 'installation' },
  schema: {
    operationId: 'listReconcilers',
    tags,
    summary: 'What the background loops did last',
    description: 'Of the whole installation.',
    response: { 200: json('All of them.', z.object({ items: z.array(Reconciler) }).meta({ id: 'ReconcilerList' })) },
  },
})
