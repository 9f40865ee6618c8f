-- Where a worker's process id means something: machine, boot, namespace of processes and user. Workers at the same place see
-- each other's processes and tell the reaper of one that has ended, long before its lease runs out.
ALTER TABLE workers ADD COLUMN place text;
