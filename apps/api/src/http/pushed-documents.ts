import { isAppError } from '@understudy/core'
import { parseJsonText } from './json-text.ts'

export interface PushedDocuments {
  readonly documents: readonly unknown[]
  readonly ignored: readonly { readonly index: number; readonly reason: string }[]
}

/** The documents of one push: one, an array of them, or what an SNS topic wraps around them. */
export function documentsOf(body: unknown): PushedDocuments {
  const documents: unknown[] = []
  const ignored: { index: number; reason: string }[] = []
  for (const [index, item] of (Array.isArray(body) ? body : [body]).entries()) {
    const opened = openEnvelope(item)
    if ('reason' in opened) ignored.push({ index, reason: opened.reason })
    else documents.push(opened.document)
  }
  return { documents, ignored }
}

/** SNS: `Message` is the document as text (docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html). */
function openEnvelope(item: unknown): { readonly document: unknown } | { readonly reason: string } {
  if (typeof item !== 'object' || item === null || !('Type' in item) || typeof item.Type !== 'string' || !('Message' in item))
    return { document: item }
  // Confirming means calling an address that a stranger may have written. A person does it once, where it is safe.
  if (item.Type === 'SubscriptionConfirmation')
    return { reason: 'SNS asks to confirm the subscription: open its SubscribeURL, or confirm it with the AWS CLI.' }
  if (item.Type === 'UnsubscribeConfirmation') return { reason: 'SNS says that the subscription has ended.' }
  if (item.Type !== 'Notification' || typeof item.Message !== 'string') return { document: item }
  try {
    return { document: parseJsonText(item.Message) }
  } catch (error) {
    return {
      reason: `The Message of the SNS notification is not JSON that can be stored${isAppError(error, 'malformed_json') ? '' : ': it holds characters that cannot'}.`,
    }
  }
}
