-- CreateTable
CREATE TABLE "restore_drills" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "point_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "operation_id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "cleaned_at" TIMESTAMPTZ(3),
    "record" JSONB,
    "signature" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "restore_drills_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "signing_keys" (
    "id" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "master_key_id" TEXT NOT NULL,
    "sealed" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "restore_drills_project_id_created_at_id_idx" ON "restore_drills"("project_id", "created_at", "id");

-- AddForeignKey
ALTER TABLE "restore_drills" ADD CONSTRAINT "restore_drills_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What a Prisma schema cannot say.
CREATE INDEX "restore_drills_overdue" ON "restore_drills"("expires_at", "id") WHERE "cleaned_at" IS NULL;
ALTER TABLE "restore_drills"
    ADD CONSTRAINT "restore_drills_status_known" CHECK ("status" IN ('running', 'passed', 'failed', 'aborted')),
    ADD CONSTRAINT "restore_drills_signed" CHECK (num_nulls("record", "signature") IN (0, 2)),
    ADD CONSTRAINT "restore_drills_proven" CHECK (("status" IN ('passed', 'failed')) = ("record" IS NOT NULL));
-- One signs.
CREATE UNIQUE INDEX "signing_keys_current" ON "signing_keys"((true)) WHERE "retired_at" IS NULL;
