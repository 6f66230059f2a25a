import { azure } from './clouds/azure.ts'
import { describeNotice } from './notice.ts'
import { describeWorlds } from './lanes.ts'

describeWorlds('on Azure', ['azure'], [])
describeNotice(azure)
