import { describe, expect, it } from 'vitest'
import { parseAwsDocument } from './event-parser.ts'

const at = '2026-11-20T13:14:46Z'
const envelope = {
  version: '0',
  id: '1e5527d7-bb36-4607-3370-4164db56a40e',
  account: '123456789012',
  time: '1970-01-01T00:00:00Z',
  region: 'us-east-1',
}
const ec2Event = (type: string, detail: unknown, more: object = {}) => ({
  ...envelope,
  'detail-type': type,
  source: 'aws.ec2',
  resources: ['arn:aws:ec2:us-east-1b:instance/i-0b662ef9931388ba0'],
  detail,
  ...more,
})
const warning = (action: unknown, more: object = {}) =>
  ec2Event('EC2 Spot Instance Interruption Warning', { 'instance-id': 'i-0b662ef9931388ba0', 'instance-action': action }, more)
const health = (detail: object = {}, more: object = {}) => ({
  ...envelope,
  'detail-type': 'AWS Health Event',
  source: 'aws.health',
  resources: ['i-12345678'],
  detail: {
    eventArn: 'arn:aws:health:region::event/id',
    service: 'EC2',
    eventTypeCode: 'AWS_EC2_DEDICATED_HOST_NETWORK_MAINTENANCE_SCHEDULED',
    eventTypeCategory: 'scheduledChange',
    startTime: 'Sat, 05 Jun 2016 15:10:09 GMT',
    endTime: 'Sat, 05 Jun 2016 15:10:09 GMT',
    eventDescription: [{ language: 'en_US', latestDescription: 'words' }],
    affectedEntities: [{ entityValue: 'i-12345678', tags: { a: 'b' } }],
    ...detail,
  },
  ...more,
})
const parse = (document: unknown, more: object = {}) => parseAwsDocument(document, { at, ...more })

describe('EventBridge events', () => {
  it('announce an interruption with two minutes of notice', () => {
    expect(parse(warning('terminate'))).toEqual({
      outcome: 'signals',
      signals: [
        {
          kind: 'interruption',
          effect: 'terminate',
          nativeId: 'i-0b662ef9931388ba0',
          eventId: envelope.id,
          deadline: '1970-01-01T00:02:00.000Z',
          observedAt: '1970-01-01T00:00:00.000Z',
          confidence: 'certain',
          cause: 'platform',
          canExpedite: false,
        },
      ],
    })
    expect(parse(warning('stop'))).toMatchObject({ signals: [{ effect: 'stop', deadline: '1970-01-01T00:02:00.000Z' }] })
  })

  it('leave no notice at all before a hibernation', () => {
    expect(parse(warning('hibernate'))).toMatchObject({ signals: [{ effect: 'hibernate', deadline: '1970-01-01T00:00:00.000Z' }] })
  })

  it('recommend a rebalance, without a deadline', () => {
    const parsed = parse(ec2Event('EC2 Instance Rebalance Recommendation', { 'instance-id': 'i-0b662ef9931388ba0' }))
    expect(parsed).toMatchObject({
      outcome: 'signals',
      signals: [{ kind: 'rebalance', effect: 'unknown', confidence: 'likely', nativeId: 'i-0b662ef9931388ba0' }],
    })
    expect(parsed.outcome === 'signals' && parsed.signals[0]).not.toHaveProperty('deadline')
  })

  it('find the instance in an ARN that has a zone in the region’s place and no account', () => {
    expect(parse(ec2Event('EC2 Instance Rebalance Recommendation', {}))).toMatchObject({ signals: [{ nativeId: 'i-0b662ef9931388ba0' }] })
  })

  it.each([
    ['stopping', 'stop'],
    ['stopped', 'stop'],
    ['shutting-down', 'terminate'],
    ['terminated', 'terminate'],
  ])('report the state %s as a failure whose cause they do not know', (state, effect) => {
    expect(parse(ec2Event('EC2 Instance State-change Notification', { 'instance-id': 'i-0b662ef9931388ba0', state }))).toMatchObject({
      signals: [{ kind: 'failure', effect, cause: 'unknown', confidence: 'certain' }],
    })
  })

  it.each(['pending', 'running'])('are ignored when an instance becomes %s', (state) => {
    expect(parse(ec2Event('EC2 Instance State-change Notification', { 'instance-id': 'i-0b662ef9931388ba0', state })).outcome).toBe('ignored')
  })

  it('announce maintenance in RFC 1123 time, whose weekday may be wrong', () => {
    expect(parse(health())).toEqual({
      outcome: 'signals',
      signals: [
        {
          kind: 'maintenance',
          effect: 'freeze',
          nativeId: 'i-12345678',
          eventId: envelope.id,
          changeId: 'arn:aws:health:region::event/id',
          deadline: '2016-06-05T15:10:09.000Z',
          observedAt: '1970-01-01T00:00:00.000Z',
          confidence: 'certain',
          cause: 'platform',
          canExpedite: false,
        },
      ],
    })
  })

  it('name many instances at once, each with an identity of its own', () => {
    const parsed = parse(
      health(
        { affectedEntities: [{ entityValue: 'i-1' }, { entityValue: 'arn:aws:ec2:us-east-1:1:instance/i-2' }, { entityValue: 'vol-1' }, 7] },
        { resources: [] },
      ),
    )
    expect(parsed.outcome === 'signals' && parsed.signals.map(({ nativeId, eventId }) => [nativeId, eventId])).toEqual([
      ['i-1', `${envelope.id}/i-1`],
      ['i-2', `${envelope.id}/i-2`],
    ])
  })

  it.each([
    ['AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED', 'stop', true],
    ['AWS_EC2_INSTANCE_STOP_SCHEDULED', 'stop', true],
    ['AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED', 'reboot', true],
    ['AWS_EC2_INSTANCE_POWER_MAINTENANCE_SCHEDULED', 'reboot', true],
    ['AWS_EC2_INSTANCE_NETWORK_MAINTENANCE_SCHEDULED', 'freeze', false],
    ['AWS_EC2_SOMETHING_NEW', 'unknown', false],
  ])('with the code %s mean %s', (eventTypeCode, effect, canExpedite) => {
    expect(parse(health({ eventTypeCode }))).toMatchObject({ signals: [{ effect, canExpedite }] })
  })

  it('that close a plan say that it was called off before its time, and is over afterwards, by the name it was announced with', () => {
    const announced = health({ statusCode: 'upcoming' }, { time: '2016-06-01T00:00:00Z' })
    expect(parse(announced)).toMatchObject({ signals: [{ changeId: 'arn:aws:health:region::event/id', eventId: envelope.id }] })
    expect(parse(announced)).not.toHaveProperty('signals.0.phase')
    const closed = (time: string, latestDescription = 'words') =>
      parse(health({ statusCode: 'closed', eventDescription: [{ language: 'en_US', latestDescription }] }, { id: 'another', time }))
    const change = { kind: 'maintenance', changeId: 'arn:aws:health:region::event/id', eventId: 'another', deadline: '2016-06-05T15:10:09.000Z' }
    expect(closed('2016-06-02T00:00:00Z')).toMatchObject({ signals: [{ ...change, phase: 'cancelled' }] })
    expect(closed('2016-06-06T00:00:00Z')).toMatchObject({ signals: [{ ...change, phase: 'completed' }] })
    // A word of EC2's own counts more than the time.
    expect(closed('2016-06-02T00:00:00Z', '[Completed] done early')).toMatchObject({ signals: [{ phase: 'completed' }] })
    expect(closed('2016-06-06T00:00:00Z', '[CANCELLED] words')).toMatchObject({ signals: [{ phase: 'cancelled' }] })
  })

  it.each([
    ['another service', health({ service: 'RDS' })],
    ['an issue, not a plan', health({ eventTypeCategory: 'issue' })],
    ['no instance', health({ affectedEntities: [] }, { resources: [] })],
    ['another source', { ...warning('stop'), source: 'aws.s3' }],
    ['another type', ec2Event('EBS Volume Notification', {})],
  ])('are ignored when they are about %s', (_what, document) => {
    expect(parse(document).outcome).toBe('ignored')
  })

  it.each([
    ['no detail', { ...warning('stop'), detail: null }],
    ['no id', { ...warning('stop'), id: undefined }],
    ['no time', { ...warning('stop'), time: 'yesterday' }],
    ['an unknown action', warning('explode')],
    ['an instance that is none', ec2Event('EC2 Instance Rebalance Recommendation', { 'instance-id': 42 })],
    ['no instance at all', ec2Event('EC2 Instance Rebalance Recommendation', {}, { resources: 'all' })],
    ['an unknown state', ec2Event('EC2 Instance State-change Notification', { 'instance-id': 'i-1', state: 'melting' })],
    ['no start', health({ startTime: 'soon' })],
    ['nothing', undefined],
    ['a list', [warning('stop')]],
  ])('are malformed with %s', (_what, document) => {
    expect(parse(document).outcome).toBe('malformed')
  })
})

describe('metadata documents that an agent passes on', () => {
  const of = (documentKind: string, document: unknown) => parse(document, { nativeId: 'i-1', documentKind })

  it('announce an interruption at the time they name, and have no event id', () => {
    const parsed = of('spot/instance-action', { action: 'terminate', time: '2026-11-20T13:16:44Z' })
    expect(parsed).toEqual({
      outcome: 'signals',
      signals: [
        {
          kind: 'interruption',
          effect: 'terminate',
          nativeId: 'i-1',
          deadline: '2026-11-20T13:16:44.000Z',
          observedAt: '2026-11-20T13:14:46.000Z',
          confidence: 'certain',
          cause: 'platform',
          canExpedite: false,
        },
      ],
    })
    expect(of('/latest/meta-data/spot/instance-action', { action: 'terminate', time: '2026-11-20T13:16:44Z' })).toEqual(parsed)
    expect(of('spot/instance-action', { action: 'hibernate', time: '2026-11-20T13:16:44Z' })).toMatchObject({
      signals: [{ deadline: '2026-11-20T13:14:46.000Z' }],
    })
  })

  it('recommend a rebalance', () => {
    expect(of('events/recommendations/rebalance', { noticeTime: '2026-11-20T13:14:45Z' })).toMatchObject({
      signals: [{ kind: 'rebalance', observedAt: '2026-11-20T13:14:45.000Z' }],
    })
  })

  it('list scheduled events in a time of their own, with the last moment to which each can be put off', () => {
    const entry = {
      Code: 'instance-stop',
      Description: '…',
      State: 'active',
      EventId: 'instance-event-1234567890abcdef0',
      NotBefore: '20 Nov 2026 13:15:18 GMT',
      NotAfter: '27 Nov 2026 13:15:18 GMT',
      NotBeforeDeadline: '29 Nov 2026 13:15:18 GMT',
    }
    const whole = { nativeId: 'i-1', list: 'events/maintenance/scheduled', observedAt: '2026-11-20T13:14:46.000Z' }
    expect(of('events/maintenance/scheduled', [entry])).toEqual({
      outcome: 'signals',
      signals: [
        {
          kind: 'maintenance',
          effect: 'stop',
          nativeId: 'i-1',
          eventId: 'instance-event-1234567890abcdef0',
          deadline: '2026-11-20T13:15:18.000Z',
          observedAt: '2026-11-20T13:14:46.000Z',
          list: 'events/maintenance/scheduled',
          confidence: 'certain',
          cause: 'platform',
          canPostponeUntil: '2026-11-29T13:15:18.000Z',
          canExpedite: true,
        },
      ],
      lists: [whole],
    })
    expect(of('events/maintenance/scheduled', [])).toEqual({ outcome: 'signals', signals: [], lists: [whole] })
    expect(of('events/maintenance/scheduled', [{ ...entry, NotBefore: '20 Foo 2026 13:15:18 GMT' }]).outcome).toBe('malformed')
  })

  it('tell of events that are over which were called off and which have happened', () => {
    // As AWS's documentation shows it, with its spaces.
    const history = [
      {
        NotBefore: '21 Jan 2019 09:00:43 GMT',
        Code: 'system-reboot',
        Description: '[Canceled] scheduled reboot',
        EventId: 'instance-event-0d59937288b749b32',
        NotAfter: '21 Jan 2019 09:17:23 GMT',
        State: 'canceled',
      },
      {
        NotBefore: '29 Jan 2019 09:00:43 GMT',
        Code: 'system-reboot',
        Description: '[Completed] scheduled reboot',
        EventId: 'instance-event-0d59937288b749b33',
        NotAfter: '29 Jan 2019 09:17:23 GMT',
        State: 'completed',
      },
    ]
    const told = [
      {
        kind: 'maintenance',
        effect: 'reboot',
        phase: 'cancelled',
        eventId: 'instance-event-0d59937288b749b32',
        deadline: '2019-01-21T09:00:43.000Z',
      },
      { phase: 'completed', eventId: 'instance-event-0d59937288b749b33' },
    ]
    const parsed = of('events/maintenance/history', history)
    expect(parsed).toMatchObject({ outcome: 'signals', signals: told })
    // What a history leaves out may well be ahead.
    expect(parsed).not.toHaveProperty('lists')
    expect(of('events/maintenance/history', []).outcome).toBe('ignored')
    expect(of('events/maintenance/scheduled', history)).toMatchObject({ signals: told, lists: [{ nativeId: 'i-1' }] })
    const unlabelled = parse(history, { nativeId: 'i-1' })
    expect(unlabelled).toMatchObject({ signals: told })
    expect(unlabelled).not.toHaveProperty('lists')
  })

  it('are recognised by their shape when the agent did not say what they are', () => {
    expect(parse({ action: 'stop', time: '2026-11-20T13:16:44Z' }, { nativeId: 'i-1' })).toMatchObject({ signals: [{ kind: 'interruption' }] })
    expect(parse({ noticeTime: '2026-11-20T13:14:45Z' }, { nativeId: 'i-1' })).toMatchObject({ signals: [{ kind: 'rebalance' }] })
    expect(parse([], { nativeId: 'i-1' }).outcome).toBe('ignored')
  })

  it('are nothing without the instance they come from, and of no concern when they are something else', () => {
    expect(parse({ action: 'stop', time: '2026-11-20T13:16:44Z' }, { documentKind: 'spot/instance-action' }).outcome).toBe('malformed')
    expect(of('spot/instance-action', { action: 'stop' }).outcome).toBe('malformed')
    expect(of('placement/region', 'eu-west-1').outcome).toBe('ignored')
  })
})
