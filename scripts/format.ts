/** `npm run format [-- paths]`: writes every file in the project's format. */
import { runStep } from './steps.ts'

const paths = process.argv.slice(2)
const result = await runStep({ title: 'format', command: ['oxfmt', ...(paths.length > 0 ? paths : ['.'])] })
console.log(result.output)
process.exit(result.isPassed ? 0 : 1)
