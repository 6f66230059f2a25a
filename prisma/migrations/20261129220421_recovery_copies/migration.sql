-- CreateTable
CREATE TABLE "recovery_copies" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "point_id" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "members" JSONB NOT NULL,
    "attempts" INTEGER NOT NULL,
    "next_attempt_at" TIMESTAMPTZ(3),
    "operation_id" TEXT NOT NULL,
    "last_error" TEXT,
    "completed_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "recovery_copies_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "recovery_copies_project_id_point_id_idx" ON "recovery_copies"("project_id", "point_id");

-- CreateIndex
CREATE UNIQUE INDEX "recovery_copies_point_id_region_key" ON "recovery_copies"("point_id", "region");

-- AddForeignKey
ALTER TABLE "recovery_copies" ADD CONSTRAINT "recovery_copies_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What a Prisma schema cannot say: the copies that the view of compliance looks for.
CREATE INDEX "recovery_copies_complete" ON "recovery_copies"("resource_id", "region") WHERE "status" = 'complete';
ALTER TABLE "recovery_copies"
    ADD CONSTRAINT "recovery_copies_status_known" CHECK ("status" IN ('copying', 'complete', 'failed', 'deleted')),
    ADD CONSTRAINT "recovery_copies_complete_since" CHECK ("status" <> 'complete' OR "completed_at" IS NOT NULL),
    ADD CONSTRAINT "recovery_copies_deleted_since" CHECK (("status" = 'deleted') = ("deleted_at" IS NOT NULL)),
    -- What has failed is tried again.
    ADD CONSTRAINT "recovery_copies_again" CHECK (("status" = 'failed') = ("next_attempt_at" IS NOT NULL));
