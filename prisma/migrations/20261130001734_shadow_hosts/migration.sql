-- How a shadow stands to the hosts of its primary, and the group of hosts that its primary was bound to when it was planned.
ALTER TABLE "shadows" ADD COLUMN     "host_group" TEXT,
ADD COLUMN     "hosts" TEXT;
ALTER TABLE "shadows" ADD CONSTRAINT "shadows_hosts_known" CHECK ("hosts" IN ('same-group', 'separate'));
