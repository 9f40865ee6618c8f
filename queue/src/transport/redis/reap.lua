-- Puts what workers that are no longer alive had in hand back on the list. A message may then arrive twice, which the
-- claim in the ledger makes harmless. Ids without a body are dropped: apalis-redis ends a worker that fetches one.
-- KEYS: workers, prefix of the in-flight sets, prefix of the signs of life, active list, task data, prefix of the
-- workers' metadata, tokens, prefix of task metadata. ARGV: a worker that leaves now, or nothing.
local back = 0
for _, worker in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if worker == ARGV[1] or redis.call('EXISTS', KEYS[3] .. ':' .. worker) == 0 then
        local held = KEYS[2] .. ':' .. worker
        for _, id in ipairs(redis.call('SMEMBERS', held)) do
            if redis.call('HEXISTS', KEYS[5], id) == 1 and redis.call('EXISTS', KEYS[8] .. ':' .. id) == 1 then
                -- To the front: they have waited longest.
                redis.call('LPUSH', KEYS[4], id)
                back = back + 1
            end
        end
        redis.call('DEL', held, KEYS[6] .. ':' .. worker)
        redis.call('ZREM', KEYS[1], worker)
    end
end
-- A worker that leaves has given its buffer back without a token of ours.
if back > 0 or ARGV[1] then
    redis.call('LPUSH', KEYS[7], 1)
end
return back
