
redis.register_function('live_publish', function(keys, arguments) return guarded(publish, keys[1], arguments) end)
