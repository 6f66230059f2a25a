-- CreateTable
CREATE TABLE "recovery_points" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "database" JSONB,
    "sequence" INTEGER,
    "manifest" JSONB,
    "manifest_hash" TEXT,
    "captured_at" TIMESTAMPTZ(3),
    "locked_until" TIMESTAMPTZ(3),
    "delete_time" TIMESTAMPTZ(3),
    "purge_time" TIMESTAMPTZ(3),
    "verification" JSONB,
    "operation_id" TEXT,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "recovery_points_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "recovery_points_account_id_idx" ON "recovery_points"("account_id");

-- CreateIndex
CREATE INDEX "recovery_points_project_id_created_at_id_idx" ON "recovery_points"("project_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "recovery_points_resource_id_sequence_key" ON "recovery_points"("resource_id", "sequence");

-- AddForeignKey
ALTER TABLE "recovery_points" ADD CONSTRAINT "recovery_points_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What a Prisma schema cannot say.
CREATE INDEX "recovery_points_due" ON "recovery_points"("purge_time", "id") WHERE "purge_time" IS NOT NULL AND "status" IN ('usable', 'failed');
ALTER TABLE "recovery_points"
    ADD CONSTRAINT "recovery_points_status_known" CHECK ("status" IN ('capturing', 'usable', 'failed', 'purging', 'purged')),
    ADD CONSTRAINT "recovery_points_sealed_whole" CHECK (num_nulls("sequence", "manifest", "manifest_hash", "captured_at") IN (0, 4)),
    ADD CONSTRAINT "recovery_points_usable_sealed" CHECK ("status" <> 'usable' OR "manifest" IS NOT NULL),
    ADD CONSTRAINT "recovery_points_deleted_whole" CHECK (num_nulls("delete_time", "purge_time") IN (0, 2));
