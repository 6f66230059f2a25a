-- When a restore of a resource was proven, from a signed record of a rehearsal. Nothing keeps such records yet: whoever does replaces
-- this view by one over them, with the same columns.
CREATE VIEW "restore_proofs" AS SELECT NULL::text AS "resource_id", NULL::timestamptz AS "proven_at" WHERE false;
