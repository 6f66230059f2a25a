-- A stand-in in another account is reached by its address, and no longer knows it when it is gone.
ALTER TABLE "shadows" ADD COLUMN "address" TEXT,
ADD COLUMN "data_as_of" TIMESTAMPTZ(3);

-- What instances in other accounts are given at their first boot. Apart from the tier, so that no query of resources reads a secret.
CREATE TABLE "boot_data" (
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "master_key_id" TEXT NOT NULL,
    "sealed" JSONB NOT NULL,

    CONSTRAINT "boot_data_pkey" PRIMARY KEY ("resource_id", "account_id")
);

-- CreateIndex
CREATE INDEX "boot_data_master_key_id_idx" ON "boot_data"("master_key_id");

-- CreateIndex
CREATE INDEX "shadows_account_id_idx" ON "shadows"("account_id");

-- AddForeignKey
ALTER TABLE "boot_data" ADD CONSTRAINT "boot_data_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "resources"("id") ON DELETE CASCADE ON UPDATE NO ACTION;
