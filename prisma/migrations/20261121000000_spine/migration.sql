-- The spine: everything that one protected resource, its stand-ins, its signals and its failovers leave behind.

-- CreateTable
CREATE TABLE "projects" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "installation_admin" BOOLEAN NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "accounts" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "native_account" TEXT,
    "region" TEXT NOT NULL,
    "settings" JSONB NOT NULL,
    "status" TEXT NOT NULL,
    "verified_at" TIMESTAMPTZ(3),
    "verification" JSONB,
    "ingest_key_hash" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "account_credentials" (
    "account_id" TEXT NOT NULL,
    "master_key_id" TEXT NOT NULL,
    "sealed" JSONB NOT NULL,

    CONSTRAINT "account_credentials_pkey" PRIMARY KEY ("account_id")
);

-- CreateTable
CREATE TABLE "resources" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "native_id" TEXT NOT NULL,
    "zone" TEXT,
    "labels" JSONB NOT NULL,
    "dna" JSONB NOT NULL,
    "dna_hash" TEXT NOT NULL,
    "dna_at" TIMESTAMPTZ(3) NOT NULL,
    "traffic" JSONB,
    "tier" JSONB,
    "status" TEXT NOT NULL,
    "hold_reason" TEXT,
    "hold_by" TEXT,
    "hold_until" TIMESTAMPTZ(3),
    "primary_epoch" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "resources_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "shadows" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "native_id" TEXT,
    "zone" TEXT NOT NULL,
    "instance_type" TEXT NOT NULL,
    "purchase" TEXT NOT NULL,
    "readiness" TEXT NOT NULL,
    "dna_fingerprint" TEXT NOT NULL,
    "proof_at" TIMESTAMPTZ(3),
    "proof_method" TEXT,
    "proof_seconds" DOUBLE PRECISION,
    "proof_operation_id" TEXT,
    "armed_until" TIMESTAMPTZ(3),
    "operation_id" TEXT,
    "failures" INTEGER NOT NULL,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "shadows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "signals" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "native_id" TEXT NOT NULL,
    "resource_id" TEXT,
    "shadow_id" TEXT,
    "deadline" TIMESTAMPTZ(3),
    "confidence" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "can_postpone_until" TIMESTAMPTZ(3),
    "can_expedite" BOOLEAN NOT NULL,
    "source" TEXT NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT,
    "operation_id" TEXT,
    "deduplication_key" TEXT NOT NULL,
    "raw" JSONB NOT NULL,
    "duplicates" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "signals_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operations" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "resource_id" TEXT,
    "shadow_id" TEXT,
    "status" TEXT NOT NULL,
    "params" JSONB NOT NULL,
    "plan" JSONB NOT NULL,
    "plan_hash" TEXT,
    "deadline" TIMESTAMPTZ(3),
    "priority" INTEGER NOT NULL,
    "lock_key" TEXT,
    "requested_by" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "error" JSONB,
    "output" JSONB NOT NULL,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "runner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "not_before" TIMESTAMPTZ(3),
    "skipped_steps" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "last_sequence" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "operations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "saga_events" (
    "operation_id" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "data" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "saga_events_pkey" PRIMARY KEY ("operation_id","sequence")
);

-- CreateTable
CREATE TABLE "operation_notes" (
    "id" BIGSERIAL NOT NULL,
    "operation_id" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "operation_notes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "project_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "operation_id" TEXT,
    "details" JSONB NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "deduplication_key" TEXT,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("project_id","sequence")
);

-- CreateTable
CREATE TABLE "audit_heads" (
    "project_id" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_heads_pkey" PRIMARY KEY ("project_id")
);

-- CreateTable
CREATE TABLE "domain_events" (
    "sequence" BIGSERIAL NOT NULL,
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "data" JSONB NOT NULL,

    CONSTRAINT "domain_events_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "outbox_messages" (
    "id" TEXT NOT NULL,
    "topic" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "priority" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "leased_until" TIMESTAMPTZ(3),

    CONSTRAINT "outbox_messages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_records" (
    "project_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "status" INTEGER,
    "body" TEXT,
    "headers" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_records_pkey" PRIMARY KEY ("project_id","key")
);

-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "types" TEXT[],
    "status" TEXT NOT NULL,
    "disabled_reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_secrets" (
    "endpoint_id" TEXT NOT NULL,
    "current" JSONB NOT NULL,
    "previous" JSONB,
    "previous_until" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_secrets_pkey" PRIMARY KEY ("endpoint_id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "endpoint_id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "next_attempt_at" TIMESTAMPTZ(3),
    "last_status_code" INTEGER,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "body" TEXT NOT NULL,
    "leased_until" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "stream_cursors" (
    "name" TEXT NOT NULL,
    "position" BIGINT NOT NULL,

    CONSTRAINT "stream_cursors_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "reconciler_runs" (
    "name" TEXT NOT NULL,
    "last_run_at" TIMESTAMPTZ(3),
    "last_success_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "next_run_at" TIMESTAMPTZ(3),
    "result" JSONB,
    "runner" TEXT,
    "taken_until" TIMESTAMPTZ(3),

    CONSTRAINT "reconciler_runs_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "avoided_offerings" (
    "account_id" TEXT NOT NULL,
    "instance_type" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "purchase" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "avoided_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "avoided_offerings_pkey" PRIMARY KEY ("account_id","instance_type","zone","purchase")
);

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");

-- CreateIndex
CREATE INDEX "api_keys_project_id_id_idx" ON "api_keys"("project_id", "id");

-- CreateIndex
CREATE INDEX "accounts_project_id_id_idx" ON "accounts"("project_id", "id");

-- CreateIndex
CREATE INDEX "account_credentials_master_key_id_idx" ON "account_credentials"("master_key_id");

-- CreateIndex
CREATE INDEX "resources_project_id_id_idx" ON "resources"("project_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "resources_account_id_native_id_key" ON "resources"("account_id", "native_id");

-- CreateIndex
CREATE INDEX "shadows_project_id_id_idx" ON "shadows"("project_id", "id");

-- CreateIndex
CREATE INDEX "shadows_resource_id_idx" ON "shadows"("resource_id");

-- CreateIndex
CREATE INDEX "signals_project_id_received_at_id_idx" ON "signals"("project_id", "received_at", "id");

-- CreateIndex
CREATE INDEX "signals_resource_id_idx" ON "signals"("resource_id");

-- CreateIndex
CREATE UNIQUE INDEX "signals_account_id_deduplication_key_key" ON "signals"("account_id", "deduplication_key");

-- CreateIndex
CREATE INDEX "operations_project_id_created_at_id_idx" ON "operations"("project_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "operations_resource_id_idx" ON "operations"("resource_id");

-- CreateIndex
CREATE INDEX "operation_notes_operation_id_id_idx" ON "operation_notes"("operation_id", "id");

-- CreateIndex
CREATE INDEX "audit_entries_project_id_operation_id_idx" ON "audit_entries"("project_id", "operation_id");

-- CreateIndex
CREATE UNIQUE INDEX "audit_entries_project_id_deduplication_key_key" ON "audit_entries"("project_id", "deduplication_key");

-- CreateIndex
CREATE UNIQUE INDEX "domain_events_id_key" ON "domain_events"("id");

-- CreateIndex
CREATE INDEX "domain_events_project_id_sequence_idx" ON "domain_events"("project_id", "sequence");

-- CreateIndex
CREATE INDEX "outbox_messages_priority_created_at_idx" ON "outbox_messages"("priority", "created_at");

-- CreateIndex
CREATE INDEX "idempotency_records_created_at_idx" ON "idempotency_records"("created_at");

-- CreateIndex
CREATE INDEX "webhook_endpoints_project_id_id_idx" ON "webhook_endpoints"("project_id", "id");

-- CreateIndex
CREATE INDEX "webhook_deliveries_project_id_created_at_id_idx" ON "webhook_deliveries"("project_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_endpoint_id_event_id_key" ON "webhook_deliveries"("endpoint_id", "event_id");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "account_credentials" ADD CONSTRAINT "account_credentials_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "resources" ADD CONSTRAINT "resources_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "resources" ADD CONSTRAINT "resources_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "shadows" ADD CONSTRAINT "shadows_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "resources"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "saga_events" ADD CONSTRAINT "saga_events_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "operation_notes" ADD CONSTRAINT "operation_notes_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "webhook_secrets" ADD CONSTRAINT "webhook_secrets_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "avoided_offerings" ADD CONSTRAINT "avoided_offerings_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- From here on: what a Prisma schema cannot say.

-- One unfinished operation per lock.
CREATE UNIQUE INDEX "operations_lock_key_held" ON "operations"("lock_key") WHERE "status" IN ('pending', 'running', 'undoing', 'stuck');

-- What a runner may claim, in the order it claims it; what holds a resource; what waits for a person.
CREATE INDEX "operations_runnable" ON "operations"("priority", "created_at", "id") WHERE "status" IN ('pending', 'running', 'undoing');
CREATE INDEX "operations_unfinished" ON "operations"("resource_id", "kind") WHERE "status" IN ('pending', 'running', 'undoing', 'stuck');
CREATE INDEX "operations_stuck" ON "operations"("created_at") WHERE "status" = 'stuck';

-- One living stand-in per instance, and the few that a reconciler asks for among all there ever were.
CREATE UNIQUE INDEX "shadows_alive_native_id" ON "shadows"("account_id", "native_id") WHERE "status" NOT IN ('promoted', 'retired');
CREATE INDEX "shadows_alive" ON "shadows"("resource_id") WHERE "status" NOT IN ('promoted', 'retired');
CREATE INDEX "shadows_armed" ON "shadows"("armed_until") WHERE "armed_until" IS NOT NULL;
CREATE INDEX "resources_protected" ON "resources"("id") WHERE "tier" IS NOT NULL;
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries"("next_attempt_at", "id") WHERE "status" = 'pending';

-- These rows change often in columns without an index: room on the page keeps their indexes from growing with every change.
ALTER TABLE "operations" SET (fillfactor = 75);
ALTER TABLE "audit_heads" SET (fillfactor = 50);

ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_role_known" CHECK ("role" IN ('viewer', 'operator', 'admin'));
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_status_known" CHECK ("status" IN ('unverified', 'verified', 'failing'));
ALTER TABLE "resources"
    ADD CONSTRAINT "resources_status_known" CHECK ("status" IN ('unprotected', 'protected', 'degraded', 'failing-over', 'lost')),
    ADD CONSTRAINT "resources_epoch_counts" CHECK ("primary_epoch" >= 0),
    ADD CONSTRAINT "resources_hold_whole" CHECK (num_nulls("hold_reason", "hold_by", "hold_until") IN (0, 3));
ALTER TABLE "shadows"
    ADD CONSTRAINT "shadows_status_known" CHECK ("status" IN ('planned', 'provisioning', 'unproven', 'proving', 'ready', 'reserved', 'failed', 'retiring', 'promoted', 'retired')),
    ADD CONSTRAINT "shadows_readiness_known" CHECK ("readiness" IN ('cold', 'parked', 'warm', 'hot')),
    ADD CONSTRAINT "shadows_purchase_known" CHECK ("purchase" IN ('on-demand', 'spot', 'reserved')),
    ADD CONSTRAINT "shadows_failures_count" CHECK ("failures" >= 0),
    ADD CONSTRAINT "shadows_proof_whole" CHECK (num_nulls("proof_at", "proof_method", "proof_seconds") IN (0, 3));
ALTER TABLE "signals"
    ADD CONSTRAINT "signals_outcome_known" CHECK ("outcome" IN ('accepted', 'armed', 'unmatched', 'late', 'ignored', 'recorded', 'malformed')),
    ADD CONSTRAINT "signals_duplicates_count" CHECK ("duplicates" >= 0);
ALTER TABLE "operations"
    ADD CONSTRAINT "operations_status_known" CHECK ("status" IN ('pending', 'running', 'undoing', 'succeeded', 'failed', 'cancelled', 'stuck')),
    ADD CONSTRAINT "operations_priority_counts" CHECK ("priority" >= 1),
    ADD CONSTRAINT "operations_generation_counts" CHECK ("generation" >= 0);
ALTER TABLE "saga_events"
    ADD CONSTRAINT "saga_events_type_known" CHECK ("type" IN ('started', 'succeeded', 'failed', 'undo_started', 'undo_finished', 'undo_failed')),
    ADD CONSTRAINT "saga_events_sequence_counts" CHECK ("sequence" >= 1);
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_sequence_counts" CHECK ("sequence" >= 1);
ALTER TABLE "webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_status_known" CHECK ("status" IN ('enabled', 'disabled'));
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_status_known" CHECK ("status" IN ('pending', 'succeeded', 'failed'));

-- The two logs can only grow. A mistake in our own code must not be able to rewrite what has happened.
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER "saga_events_append_only" BEFORE UPDATE OR DELETE ON "saga_events" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "audit_entries_append_only" BEFORE UPDATE OR DELETE ON "audit_entries" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();

-- Sequence numbers are drawn before a transaction commits, and commit in any order. A reader that went as far as it could see would
-- pass by a lower number that commits a moment later. So every writer first announces, in the key of a shared advisory lock that ends
-- with its transaction, the last number drawn before its own (namespace 0x5553 in the upper 16 bits, the number in the lower 48). Shared
-- locks do not wait for one another: writers are never held up. A reader stops at the lowest number announced.
CREATE FUNCTION "announce_event_writer"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared((21843::bigint << 48) | (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM "domain_events_sequence_seq"));
    RETURN NULL;
END
$$;
-- A statement's trigger runs before the first of its rows draws a number.
CREATE TRIGGER "domain_events_announce" BEFORE INSERT ON "domain_events" FOR EACH STATEMENT EXECUTE FUNCTION "announce_event_writer"();

-- How far the stream may be read, by a statement that starts after this one has answered. The order of the two questions matters: a
-- writer whose number is below the first answer has announced itself before the second is asked, or has ended by then.
CREATE FUNCTION "events_readable_until"() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    "drawn" bigint;
    "announced" bigint;
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO "drawn" FROM "domain_events_sequence_seq";
    SELECT min(((l.classid::bigint & 65535) << 32) | l.objid::bigint) INTO "announced"
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint >> 16 = 21843
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least("drawn", "announced");
END
$$;
