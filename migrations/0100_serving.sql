-- Who serves a queue now: live workers, the places that they have together, and how long its jobs take them on average.
-- Dispatchers, the fast path and the operators' views must agree on it: a queue's effective window follows from it.
CREATE VIEW serving AS
SELECT
    queue,
    count(*) AS workers,
    sum(concurrency) AS slots,
    avg((run_micros ->> queue)::double precision) AS run_micros
FROM workers, unnest(queues) AS queue
WHERE stopped_at IS NULL
  AND lease_until > clock_timestamp()
GROUP BY queue;
