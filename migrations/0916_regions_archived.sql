-- A region that nothing lies in may leave the lists. Its code stays taken: journeys of before refer to it.
ALTER TABLE regions ADD COLUMN archived_at timestamptz;
