-- A schedule's payload is an object; null is that of a contract without fields. What was read as one before and is none fits no contract:
-- the schedule says so when it is due, and shows what it was.
UPDATE schedules SET payload = jsonb_build_object('was', payload) WHERE jsonb_typeof(payload) NOT IN ('object', 'null');
ALTER TABLE schedules ADD CONSTRAINT schedules_payload_object CHECK (jsonb_typeof(payload) IN ('object', 'null'));
