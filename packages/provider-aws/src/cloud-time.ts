const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * A time as AWS writes it, as RFC 3339 text in UTC. Three forms exist: RFC 3339 (EventBridge, spot metadata), RFC 1123
 * (`Sat, 05 Jun 2016 15:10:09 GMT`, Health events) and the same without a weekday (scheduled events in the metadata service).
 * The weekday is not checked: AWS's own example names a wrong one. `undefined` for anything else.
 */
export function readTime(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(value)) return toText(Date.parse(value))
  const match = /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/.exec(value)
  if (match === null) return undefined
  const [day, month, year, hour, minute, second] = [match[1], match[2], match[3], match[4], match[5], match[6]]
  const monthIndex = months.indexOf(month ?? '')
  return monthIndex < 0 ? undefined : toText(Date.UTC(Number(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second)))
}

export const plusSeconds = (time: string, seconds: number): string => new Date(Date.parse(time) + seconds * 1000).toISOString()

const toText = (ms: number): string | undefined => (Number.isNaN(ms) ? undefined : new Date(ms).toISOString())
