import type { DataCentre } from '../datacentre/datacentre.ts'
import type { InvokeOptions } from '../datacentre/api.ts'
import type { AccessKey } from './access-keys.ts'
import type { Params } from './params.ts'
import type { Xml } from './xml.ts'

export type XmlObject = { readonly [tag: string]: Xml }

/** One authenticated request of a Query service, on its way to an action. */
export interface Call {
  readonly dataCentre: DataCentre
  readonly key: AccessKey
  readonly params: Params
  /** That the request was signed for. */
  readonly region: string
  /** Every region that this process answers for. */
  readonly regions: readonly string[]
}

/** An action runs inside the data centre's door (`invoke`), so it is synchronous: its effect is one instant. */
export type QueryAction = (call: Call) => XmlObject

export interface ActionEntry {
  readonly run: QueryAction
  /** What the data centre's rate limits and faults need to know before it runs. */
  readonly cost?: (params: Params) => InvokeOptions
}
export type ActionTable = Readonly<Record<string, ActionEntry | QueryAction>>
