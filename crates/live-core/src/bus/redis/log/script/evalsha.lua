
local command = table.remove(ARGV, 1)
if command == 'publish' then return guarded(publish, KEYS[1], ARGV) end
if command == 'about' then return guarded(about, KEYS) end
return guarded(since, KEYS[1], ARGV[1], ARGV[2])
