export { findTestRedis, startTestRedis, testRedisUrl, unusedPort } from './test-redis.ts'
export type { TestRedis } from './test-redis.ts'
