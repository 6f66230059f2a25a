-- AlterTable
ALTER TABLE "recovery_points" ADD COLUMN     "full_bytes" BIGINT,
ADD COLUMN     "used_bytes" BIGINT;

-- What a Prisma schema cannot say: everything that is summed over the points of a resource, in the index.
CREATE INDEX "recovery_points_room" ON "recovery_points"("resource_id") INCLUDE ("used_bytes", "full_bytes") WHERE "status" IN ('usable', 'purging');

-- Of points that were read before there were columns.
UPDATE "recovery_points" point SET "used_bytes" = sums.used, "full_bytes" = sums.whole
FROM (
  SELECT id, sum((disk ->> 'keptBytes')::bigint) AS used, sum((disk ->> 'blocks')::bigint * (disk ->> 'blockBytes')::bigint) AS whole
  FROM "recovery_points", jsonb_array_elements("digests" -> 'document' -> 'disks') AS disk
  WHERE jsonb_typeof("digests" -> 'document' -> 'disks') = 'array'
  GROUP BY id
) sums
WHERE sums.id = point.id;
