-- AlterTable
ALTER TABLE "recovery_points" ADD COLUMN     "space_basis" TEXT;

ALTER TABLE "recovery_points" ADD CONSTRAINT "recovery_points_space_basis" CHECK ("space_basis" IN ('cloud', 'digests', 'changed-blocks'));
