/** `npm run check`: types, lint, format and unused code. `npm test` runs it too. */
import { checks } from './checks.ts'
import { runSteps } from './steps.ts'

const results = await runSteps(checks)
process.exit(results.every((result) => result.isPassed) ? 0 : 1)
