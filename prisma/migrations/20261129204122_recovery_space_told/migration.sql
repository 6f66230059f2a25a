-- AlterTable
ALTER TABLE "recovery_points" ADD COLUMN     "space_at" TIMESTAMPTZ(3);
