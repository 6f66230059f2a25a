-- A restore is proven by a test rollback that has passed, from the moment at which its clone had been verified.
CREATE OR REPLACE VIEW "restore_proofs" AS
  SELECT "resource_id", ("record" ->> 'verifiedAt')::timestamptz AS "proven_at"
  FROM "restore_drills"
  WHERE "status" = 'passed' AND "signature" IS NOT NULL;

-- What a Prisma schema cannot say.
CREATE INDEX "restore_drills_passed" ON "restore_drills"("resource_id") WHERE "status" = 'passed';
