-- Lays tasks down as apalis-redis does, but on the active list at once. Its own push goes through the scheduled set, whose
-- promotion breaks at 8,000 ids and compares the publisher's clock with the worker's.
-- KEYS: task data, prefix of task metadata, active list, tokens. ARGV: most tokens, then id and body of each task.
local fresh = {}
for i = 2, #ARGV, 2 do
    -- A repeated push after a lost reply brings the same ids and changes nothing.
    if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
        redis.call('HSET', KEYS[2] .. ':' .. ARGV[i], 'attempts', 0, 'max_attempts', 1, 'status', 'Pending')
        fresh[#fresh + 1] = ARGV[i]
    end
end
if #fresh == 0 then
    return 0
end
redis.call('RPUSH', KEYS[3], unpack(fresh))
-- One token wakes one idle consumer; more than a few would only make idle consumers look in vain.
for _ = redis.call('LLEN', KEYS[4]) + 1, math.min(#fresh, tonumber(ARGV[1])) do
    redis.call('LPUSH', KEYS[4], 1)
end
return #fresh
