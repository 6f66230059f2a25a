-- CreateTable
CREATE TABLE "restored_disks" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "point_id" TEXT NOT NULL,
    "device" TEXT NOT NULL,
    "instance" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "disk" TEXT,
    "place" TEXT,
    "read_only" BOOLEAN NOT NULL,
    "reason" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "operation_id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "cleaned_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "restored_disks_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "restored_disks_project_id_created_at_id_idx" ON "restored_disks"("project_id", "created_at", "id");

-- AddForeignKey
ALTER TABLE "restored_disks" ADD CONSTRAINT "restored_disks_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What a Prisma schema cannot say.
CREATE INDEX "restored_disks_overdue" ON "restored_disks"("expires_at", "id") WHERE "cleaned_at" IS NULL;
ALTER TABLE "restored_disks"
    ADD CONSTRAINT "restored_disks_status_known" CHECK ("status" IN ('restoring', 'attached', 'released', 'failed')),
    ADD CONSTRAINT "restored_disks_attached" CHECK ("status" <> 'attached' OR num_nulls("disk", "place") = 0),
    -- What may still be there is swept.
    ADD CONSTRAINT "restored_disks_cleaned" CHECK (("status" IN ('released', 'failed')) = ("cleaned_at" IS NOT NULL));
