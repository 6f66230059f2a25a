-- AlterTable
ALTER TABLE "signals" ADD COLUMN     "change_id" TEXT,
ADD COLUMN     "ended_by" TEXT,
ADD COLUMN     "list" TEXT,
ADD COLUMN     "list_sequence" BIGINT,
ADD COLUMN     "phase" TEXT NOT NULL DEFAULT 'announced';

-- What was told before: its name for the change was part of its key.
UPDATE "signals" SET "change_id" = substring("deduplication_key" from '^event:(.*):[^:]*$') WHERE "kind" = 'maintenance';

-- What a Prisma schema cannot say.
CREATE INDEX "signals_changes" ON "signals"("account_id", "native_id", "observed_at") WHERE "kind" = 'maintenance';
ALTER TABLE "signals" ADD CONSTRAINT "signals_phase_known" CHECK ("phase" IN ('announced', 'started', 'completed', 'cancelled'));

-- A tier that was lent is taken back by looking at this: of transitions that are over it was taken back without being noted.
UPDATE "transitions" SET "lent_tier" = false WHERE "status" IN ('verified', 'damaged', 'avoided', 'cancelled');
CREATE INDEX "transitions_lent" ON "transitions"("starts_at", "id") WHERE "lent_tier";
