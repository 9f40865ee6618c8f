-- Forgets some of the tasks that are done: apalis-redis keeps their id, body and metadata for ever.
-- KEYS: done set, task data, prefix of task metadata. ARGV: how many. Returns how many were forgotten.
local ids = redis.call('SPOP', KEYS[1], ARGV[1])
if #ids > 0 then
    redis.call('HDEL', KEYS[2], unpack(ids))
    local metadata = {}
    for i, id in ipairs(ids) do
        metadata[i] = KEYS[3] .. ':' .. id
    end
    redis.call('UNLINK', unpack(metadata))
end
return #ids
