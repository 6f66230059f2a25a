-- AlterTable
ALTER TABLE "recovery_points" ADD COLUMN     "digests" JSONB;

-- CreateTable
CREATE TABLE "digest_chunks" (
    "point_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "device" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "chunk" INTEGER NOT NULL,
    "whole" BOOLEAN NOT NULL,
    "entries" BYTEA NOT NULL,
    "digest" TEXT NOT NULL,
    "blocks" INTEGER NOT NULL,
    "read" INTEGER NOT NULL,
    "kept_bytes" BIGINT NOT NULL,

    CONSTRAINT "digest_chunks_pkey" PRIMARY KEY ("point_id","device","chunk")
);

-- CreateIndex
CREATE INDEX "digest_chunks_resource_id_device_chunk_sequence_idx" ON "digest_chunks"("resource_id", "device", "chunk", "sequence");

-- AddForeignKey
ALTER TABLE "digest_chunks" ADD CONSTRAINT "digest_chunks_point_id_fkey" FOREIGN KEY ("point_id") REFERENCES "recovery_points"("id") ON DELETE CASCADE ON UPDATE NO ACTION;
