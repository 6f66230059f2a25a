-- CreateTable
CREATE TABLE "transitions" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "native_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "estimated_seconds" INTEGER,
    "postpone_until" TIMESTAMPTZ(3),
    "can_expedite" BOOLEAN NOT NULL,
    "signal_ids" TEXT[],
    "status" TEXT NOT NULL,
    "point_id" TEXT,
    "lent_tier" BOOLEAN NOT NULL,
    "check" JSONB,
    "operation_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "transitions_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "transitions_project_id_starts_at_id_idx" ON "transitions"("project_id", "starts_at", "id");

-- CreateIndex
CREATE INDEX "transitions_resource_id_idx" ON "transitions"("resource_id");

-- AddForeignKey
ALTER TABLE "transitions" ADD CONSTRAINT "transitions_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What a Prisma schema cannot say.
CREATE INDEX "transitions_open" ON "transitions"("starts_at", "id") WHERE "status" IN ('announced', 'prepared', 'started', 'damaged');
CREATE INDEX "signals_maintenance" ON "signals"("received_at", "id") WHERE "kind" = 'maintenance';
-- A cloud tells of one change in several ways.
CREATE UNIQUE INDEX "transitions_announced_once" ON "transitions"("resource_id", "native_id", "effect") WHERE "source" = 'cloud' AND "status" IN ('announced', 'prepared');
ALTER TABLE "transitions"
    ADD CONSTRAINT "transitions_source_known" CHECK ("source" IN ('cloud', 'caller')),
    ADD CONSTRAINT "transitions_status_known" CHECK ("status" IN ('announced', 'prepared', 'started', 'verified', 'damaged', 'avoided', 'cancelled'));
