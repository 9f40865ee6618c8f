-- Throws away some waiting tasks. KEYS: active list, scheduled set, task data, prefix of task metadata. ARGV: how many.
local ids = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
if #ids > 0 then
    redis.call('LTRIM', KEYS[1], #ids, -1)
else
    ids = redis.call('ZRANGE', KEYS[2], 0, ARGV[1] - 1)
    if #ids > 0 then
        redis.call('ZREM', KEYS[2], unpack(ids))
    end
end
for _, id in ipairs(ids) do
    redis.call('HDEL', KEYS[3], id)
    redis.call('UNLINK', KEYS[4] .. ':' .. id)
end
return #ids
