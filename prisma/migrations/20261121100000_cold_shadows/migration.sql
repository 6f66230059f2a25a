-- A cold shadow has no instance: it is a recipe and the snapshots it was proven with.
ALTER TABLE "shadows" ADD COLUMN "snapshot_set_id" TEXT;
