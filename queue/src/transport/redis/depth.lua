-- Waiting, scheduled and in the hands of any worker that is still registered.
-- KEYS: active list, scheduled set, workers, prefix of the in-flight sets.
local depth = redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2])
for _, worker in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    depth = depth + redis.call('SCARD', KEYS[4] .. ':' .. worker)
end
return depth
