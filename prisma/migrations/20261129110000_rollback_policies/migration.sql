-- AlterTable
ALTER TABLE "api_keys" ADD COLUMN     "groups" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "rollback_policies" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "types" TEXT[],
    "labels" JSONB NOT NULL,
    "user_group" TEXT,
    "priority" INTEGER NOT NULL,
    "rules" JSONB NOT NULL,
    "schedule_since" TIMESTAMPTZ(3) NOT NULL,
    "delete_time" TIMESTAMPTZ(3),
    "purge_time" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "rollback_policies_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "recovery_schedules" (
    "resource_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "occurrence" TIMESTAMPTZ(3) NOT NULL,
    "attempts" INTEGER NOT NULL,
    "point_id" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "recovery_schedules_pkey" PRIMARY KEY ("resource_id")
);

-- CreateIndex
CREATE INDEX "rollback_policies_project_id_id_idx" ON "rollback_policies"("project_id", "id");

-- AddForeignKey
ALTER TABLE "rollback_policies" ADD CONSTRAINT "rollback_policies_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What a Prisma schema cannot say.
-- The newest point of a resource, for the view of compliance.
CREATE INDEX "recovery_points_newest" ON "recovery_points"("resource_id", "captured_at" DESC) WHERE "status" = 'usable' AND "delete_time" IS NULL;
ALTER TABLE "rollback_policies"
    ADD CONSTRAINT "rollback_policies_deleted_whole" CHECK (num_nulls("delete_time", "purge_time") IN (0, 2));
