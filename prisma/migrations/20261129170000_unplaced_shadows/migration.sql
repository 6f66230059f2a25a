-- Why promised shadows are not being made: found by a reconciler, read through the API.
ALTER TABLE "resources" ADD COLUMN "unplaced" JSONB;
