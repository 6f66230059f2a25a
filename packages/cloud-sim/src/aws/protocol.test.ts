import { describe, expect, it } from 'vitest'
import { Params } from './params.ts'
import { escapeXml, renderXml } from './xml.ts'
import { parseAuthorization, signatureMatches } from './sigv4.ts'

describe('Query parameters', () => {
  it('reads EC2 lists, whose numbers stand right behind the name', () => {
    const params = Params.fromForm('InstanceId.2=i-b&InstanceId.10=i-c&InstanceId.1=i-a')
    expect(params.texts('InstanceId')).toEqual(['i-a', 'i-b', 'i-c'])
  })

  it('reads the lists of the other services, which put a word between', () => {
    const params = Params.fromForm('Targets.member.1.Id=i-a&Targets.member.1.Port=80&Targets.member.2.Id=i-b')
    expect(params.list('Targets').map((target) => [target.required('Id'), target.integer('Port')])).toEqual([
      ['i-a', 80],
      ['i-b', undefined],
    ])
  })

  it('names the place of a parameter that is missing or wrong', () => {
    const [filter] = Params.fromForm('Filter.1.Value.1=x').list('Filter')
    expect(() => filter?.required('Name')).toThrow(
      expect.objectContaining({ code: 'MissingParameter', message: expect.stringContaining('Filter.1.Name') }),
    )
    expect(() => Params.fromForm('MaxResults=many').integer('MaxResults')).toThrow(expect.objectContaining({ code: 'InvalidParameterValue' }))
    expect(() => Params.fromForm('DryRun=maybe').boolean('DryRun')).toThrow(expect.objectContaining({ code: 'InvalidParameterValue' }))
  })

  it('does not mistake a parameter for a property of its own objects', () => {
    const params = Params.fromForm('__proto__.x=1&constructor=2')
    expect(params.optional('constructor')).toBe('2')
    expect(params.optional('toString')).toBeUndefined()
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  it('refuses a name nested deeper than any real one', () => {
    expect(() => Params.fromForm(`${'a.'.repeat(50)}b=1`)).toThrow(expect.objectContaining({ code: 'InvalidParameter' }))
  })
})

describe('XML', () => {
  it('wraps lists, keeps empty ones and leaves absent members out', () => {
    expect(renderXml({ set: [{ id: 'a' }, { id: 'b' }], none: [], gone: undefined, ok: true }, 'item')).toBe(
      '<set><item><id>a</id></item><item><id>b</id></item></set><none/><ok>true</ok>',
    )
  })

  it('escapes what callers wrote, again and again', () => {
    for (let round = 0; round < 3; round++) expect(escapeXml('a<b>&"\'')).toBe('a&lt;b&gt;&amp;&quot;&apos;')
    expect(escapeXml('a\u0000b')).toBe('a\ufffdb')
  })
})

describe('signatures', () => {
  // The worked example of the "Create a signed AWS API request" page: IAM ListUsers.
  const request = {
    method: 'GET',
    url: '/?Action=ListUsers&Version=2010-05-08',
    headers: { host: 'iam.amazonaws.com', 'content-type': 'application/x-www-form-urlencoded; charset=utf-8', 'x-amz-date': '20150830T123600Z' },
    body: '',
  }
  const header =
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7'
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

  it('agrees with the published example', () => {
    const authorization = parseAuthorization(header)
    expect(authorization).toMatchObject({ accessKeyId: 'AKIDEXAMPLE', region: 'us-east-1', service: 'iam' })
    expect(authorization && signatureMatches(request, authorization, secret)).toBe(true)
  })

  it('notices another secret, another query and another body', () => {
    const authorization = parseAuthorization(header)
    if (authorization === undefined) throw new Error('the header is well formed')
    expect(signatureMatches(request, authorization, `${secret}x`)).toBe(false)
    expect(signatureMatches({ ...request, url: '/?Action=ListRoles&Version=2010-05-08' }, authorization, secret)).toBe(false)
    expect(signatureMatches({ ...request, body: 'x' }, authorization, secret)).toBe(false)
  })

  it('takes nothing for an authorization that is not one', () => {
    for (const other of [undefined, '', 'Bearer x', 'AWS4-HMAC-SHA256 Credential=a/b', 'AWS4-HMAC-SHA256 nonsense'])
      expect(parseAuthorization(other)).toBeUndefined()
  })
})
