export { findTestRedis, startTestRedis, testRedisUrl } from './test-redis.ts'
export type { TestRedis } from './test-redis.ts'
