import type { ActionTable } from './call.ts'

export const stsActions: ActionTable = {
  GetCallerIdentity: ({ key }) => ({ Arn: key.arn, UserId: key.userId, Account: key.account }),
}
