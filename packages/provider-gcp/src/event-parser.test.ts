import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGcpDocument } from './event-parser.ts'

const at = '2026-11-29T10:00:00.000Z'
/** The shape of a published entry. */
const entry = (methodName: string) => ({
  protoPayload: {
    '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
    status: { message: 'Instance was preempted.' },
    authenticationInfo: { principalEmail: 'system@google.com' },
    serviceName: 'compute.googleapis.com',
    methodName,
    resourceName: 'projects/p/zones/europe-west1-c/instances/vm1',
  },
  insertId: 'abc123',
  resource: { type: 'gce_instance', labels: { instance_id: '4242', project_id: 'p', zone: 'europe-west1-c' } },
  timestamp: '2023-09-16T10:42:31.325309Z',
  severity: 'INFO',
})

describe('the audit log', () => {
  const preempted = {
    outcome: 'signals',
    signals: [
      {
        kind: 'interruption',
        effect: 'stop',
        nativeId: '4242',
        eventId: 'abc123',
        observedAt: '2023-09-16T10:42:31.325Z',
        deadline: '2023-09-16T10:43:01.325Z',
        confidence: 'certain',
        cause: 'platform',
        canExpedite: false,
      },
    ],
  }
  it('tells of a preemption with Google’s 30 seconds', () => {
    expect(parseGcpDocument(entry('compute.instances.preempted'), { at })).toEqual(preempted)
  })
  it('tells the same in the envelope of a push', () => {
    const data = Buffer.from(JSON.stringify(entry('compute.instances.preempted'))).toString('base64')
    const envelope = { subscription: 'projects/p/subscriptions/s', message: { data, messageId: '1', message_id: '1', publishTime: at } }
    expect(parseGcpDocument(envelope, { at })).toEqual(preempted)
  })
  it('tells of a host error as a failure, and of other calls nothing', () => {
    expect(parseGcpDocument(entry('compute.instances.hostError'), { at })).toMatchObject({ signals: [{ kind: 'failure', effect: 'reboot' }] })
    expect(parseGcpDocument(entry('v1.compute.instances.start'), { at }).outcome).toBe('ignored')
  })
  it('tells of an end that somebody asked for, once, and leaves open who it was', () => {
    const asked = { ...entry('v1.compute.instances.stop'), operation: { id: 'operation-1', first: true } }
    const { protoPayload } = asked
    const byAnn = { ...asked, protoPayload: { ...protoPayload, authenticationInfo: { principalEmail: 'ann@example.com' }, status: {} } }
    expect(parseGcpDocument(byAnn, { at })).toMatchObject({ signals: [{ kind: 'failure', effect: 'stop', cause: 'unknown' }] })
    expect(parseGcpDocument(asked, { at })).toMatchObject({ signals: [{ cause: 'platform' }] })
    expect(parseGcpDocument({ ...byAnn, operation: { id: 'operation-1', last: true } }, { at }).outcome).toBe('ignored')
    const refused = { ...byAnn, protoPayload: { ...byAnn.protoPayload, status: { code: 7, message: 'PERMISSION_DENIED' } } }
    expect(parseGcpDocument(refused, { at }).outcome).toBe('ignored')
    expect(
      parseGcpDocument({ ...byAnn, protoPayload: { ...byAnn.protoPayload, methodName: 'beta.compute.instances.delete' } }, { at }),
    ).toMatchObject({
      signals: [{ effect: 'terminate' }],
    })
  })
})

describe('what a guest reads of itself', () => {
  const read = (documentKind: string, document: unknown) => parseGcpDocument(document, { at, nativeId: '4242', documentKind })
  it('is a preemption when it says TRUE', () => {
    expect(read('gcp-preempted', 'TRUE')).toMatchObject({
      signals: [{ kind: 'interruption', nativeId: '4242', deadline: '2026-11-29T10:00:30.000Z' }],
    })
    expect(read('gcp-preempted', 'FALSE').outcome).toBe('ignored')
    expect(read('gcp-preempted', 'perhaps').outcome).toBe('malformed')
    expect(parseGcpDocument('TRUE', { at, documentKind: 'gcp-preempted' }).outcome).toBe('malformed')
  })
  it('is maintenance, which can be begun early only where Google says so', () => {
    expect(read('gcp-maintenance-event', 'TERMINATE_ON_HOST_MAINTENANCE')).toMatchObject({ signals: [{ kind: 'maintenance', effect: 'stop' }] })
    const upcoming = { window_start_time: '2026-12-06T10:00:00Z', can_reschedule: 'TRUE', type: 'SCHEDULED' }
    expect(read('gcp-upcoming-maintenance', upcoming)).toMatchObject({ signals: [{ deadline: '2026-12-06T10:00:00.000Z', canExpedite: true }] })
    expect(read('gcp-upcoming-maintenance', { ...upcoming, can_reschedule: 'FALSE' })).toMatchObject({ signals: [{ canExpedite: false }] })
  })
  it('is a whole list each time, so that nothing takes back what was announced', () => {
    const listed = (list: string) => ({ nativeId: '4242', list, observedAt: at })
    const nothing = (list: string) => ({ outcome: 'signals', signals: [], lists: [listed(list)] })
    expect(read('instance/maintenance-event', 'NONE')).toEqual(nothing('gcp-maintenance-event'))
    for (const empty of [{}, null, 'NONE', { error: 'no notifications have been received yet, try again later' }])
      expect(read('gcp-upcoming-maintenance', empty)).toEqual(nothing('gcp-upcoming-maintenance'))
    const upcoming = { window_start_time: '2026-12-06T10:00:00Z', can_reschedule: 'TRUE', type: 'SCHEDULED', maintenance_status: 'PENDING' }
    const announced = read('gcp-upcoming-maintenance', upcoming)
    expect(announced).toMatchObject({ signals: [{ list: 'gcp-upcoming-maintenance' }], lists: [listed('gcp-upcoming-maintenance')] })
    expect(announced).not.toHaveProperty('signals.0.phase')
    expect(read('gcp-upcoming-maintenance', { ...upcoming, maintenance_status: 'ONGOING' })).toMatchObject({ signals: [{ phase: 'started' }] })
    // A preemption that is announced comes.
    expect(read('gcp-preempted', 'TRUE')).not.toHaveProperty('lists.0')
    expect(read('gcp-upcoming-maintenance', 'soon').outcome).toBe('malformed')
  })
})

it('nothing that comes in makes the reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.option(fc.constantFrom('gcp-preempted', 'gcp-upcoming-maintenance', 'else')), (document, kind) => {
      const { outcome } = parseGcpDocument(document, { at, nativeId: '1', ...(kind === null ? {} : { documentKind: kind }) })
      return ['signals', 'ignored', 'malformed'].includes(outcome)
    }),
  )
})
