-- Rates that the dispatcher can reckon with: at about one job a day the slowest, and no burst beyond what a window holds by far.
UPDATE queues
SET rate_per_second = least(greatest(rate_per_second, 0.00001), 1000000),
    rate_burst = least(rate_burst, 1000000)
WHERE rate_per_second NOT BETWEEN 0.00001 AND 1000000
   OR rate_burst > 1000000;
ALTER TABLE queues
    DROP CONSTRAINT queues_rate_per_second_check,
    ADD CONSTRAINT queues_rate_per_second_check CHECK (rate_per_second BETWEEN 0.00001 AND 1000000),
    DROP CONSTRAINT queues_rate_burst_check,
    ADD CONSTRAINT queues_rate_burst_check CHECK (rate_burst BETWEEN 1 AND 1000000);
