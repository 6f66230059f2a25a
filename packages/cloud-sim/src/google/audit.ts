import type { InstanceRecord, Project } from './project.ts'

/** An entry of the audit log about an instance, as a log sink hands it to Pub/Sub. */
export function auditEntry(
  project: Project,
  { id, name, zone }: InstanceRecord,
  what: { readonly method: string; readonly message: string; readonly principal: string; readonly operation: string },
): object {
  const at = new Date(project.dataCentre.now()).toISOString()
  return {
    protoPayload: {
      '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
      status: { message: what.message },
      authenticationInfo: { principalEmail: what.principal },
      serviceName: 'compute.googleapis.com',
      methodName: what.method,
      resourceName: `projects/${project.id}/zones/${zone}/instances/${name}`,
      request: { '@type': `type.googleapis.com/${what.method}` },
    },
    insertId: project.newId(),
    resource: { type: 'gce_instance', labels: { instance_id: id, project_id: project.id, zone } },
    timestamp: at,
    severity: 'INFO',
    logName: `projects/${project.id}/logs/cloudaudit.googleapis.com%2Fsystem_event`,
    operation: { id: what.operation, producer: what.method, first: true, last: true },
    receiveTimestamp: at,
  }
}
