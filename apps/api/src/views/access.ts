import type { ApiKey as ApiKeyView, AuditEntry as AuditEntryView, Project as ProjectView } from '@understudy/contract'
import type { ApiKey, AuditEntry, Project } from '@understudy/control'
import type { z } from 'zod'
import { present, timeText } from './optional.ts'

export const projectView = (project: Project): z.input<typeof ProjectView> => ({
  id: project.id,
  name: project.name,
  createdAt: project.createdAt.toISOString(),
})

export const apiKeyView = (key: ApiKey): z.input<typeof ApiKeyView> =>
  present({
    id: key.id,
    projectId: key.projectId,
    name: key.name,
    role: key.role,
    installationAdmin: key.installationAdmin,
    groups: [...key.groups],
    prefix: key.prefix,
    createdAt: key.createdAt.toISOString(),
    expiresAt: timeText(key.expiresAt),
    lastUsedAt: timeText(key.lastUsedAt),
    revokedAt: timeText(key.revokedAt),
  })

export const auditEntryView = (entry: AuditEntry): z.input<typeof AuditEntryView> =>
  present({
    sequence: entry.sequence,
    at: entry.at.toISOString(),
    actor: entry.actor,
    action: entry.action,
    target: entry.target,
    operationId: entry.operationId,
    details: entry.details,
    previousHash: entry.previousHash,
    hash: entry.hash,
  })
