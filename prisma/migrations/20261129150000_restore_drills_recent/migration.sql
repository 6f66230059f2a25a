-- Which accounts have had a test rollback of late is asked every minute.
-- CreateIndex
CREATE INDEX "restore_drills_expires_at_account_id_idx" ON "restore_drills"("expires_at", "account_id");
