
-- Storing what was numbered, and what nodes are told of it.

local function store_change(page, change, version, index)
  local id = change.id
  if change.old and change.removal then
    redis.call('HDEL', page.key, 'p:' .. id)
    redis.call('ZREM', page.key .. ':order', id)
  elseif change.removed then
    redis.call('HDEL', page.key, 'r:' .. id)
    redis.call('ZREM', page.key .. ':gone', gone_member(id, change.removed.index))
  end
  if change.removal then
    redis.call('HSET', page.key, 'r:' .. id, version .. ' ' .. index .. ' ' .. change.rev)
    redis.call('ZADD', page.key .. ':gone', version, gone_member(id, index))
  else
    redis.call('HSET', page.key, 'p:' .. id, post_value(change, version, index))
    redis.call('ZADD', page.key .. ':order', text(change.sort), id)
  end
end

-- Forgets the oldest removals above the limit; a reader from before the last one forgotten cannot be answered exactly any more.
local function forget_removals(page)
  local over = redis.call('ZCARD', page.key .. ':gone') - limits.max_tombstones
  if over <= 0 then return end
  local oldest = redis.call('ZRANGE', page.key .. ':gone', 0, over - 1, 'WITHSCORES')
  for i = 1, #oldest, 2 do
    redis.call('HDEL', page.key, 'r:' .. string.sub(oldest[i], 9))
    page.horizon = math.max(page.horizon, tonumber(oldest[i + 1]))
  end
  redis.call('ZREMRANGEBYRANK', page.key .. ':gone', 0, over - 1)
end

local function announcement(draft, prev, whole)
  local parts = {}
  for _, change in ipairs(draft.changes) do
    local fields = { 'r', change.id, change.rev }
    if not change.removal then
      fields = { change.html and 'p' or 'h', change.id, change.rev, text(change.sort), change.placed and '1' or '0', change.html }
    end
    parts[#parts + 1] = cjson.encode(fields)
  end
  local changes = table.concat(parts, ',')
  local head = '{"prev":"' .. prev .. '","cursor":"' .. cursor(draft.page) .. '"'
  -- What is too large to be kept and sent to every node is fetched with the page.
  if #changes > limits.max_announced_bytes then return head .. '}' end
  return head .. ',"reset":' .. tostring(draft.reset or false) .. ',"changes":[' .. changes .. ']}'
end

local function begin_log(page, version)
  -- What an expired or deleted page may have left behind.
  for _, part in ipairs({ ':order', ':gone', ':log', ':keys', ':keytimes' }) do redis.call('DEL', page.key .. part) end
  page.epoch = epoch_of(page.server, page.key, version)
end

local function store(page, draft, now)
  local version, prev = text(draft.version), cursor(page)
  if not page.has_log then begin_log(page, version) end
  for index, change in ipairs(draft.changes) do store_change(page, change, version, index - 1) end
  page.head, page.bytes, page.has_log = draft.version, draft.bytes, true
  if draft.reset then page.whole, page.horizon = true, page.head end
  forget_removals(page)
  redis.call('HSET', page.key, 'epoch', page.epoch, 'head', version, 'horizon', text(page.horizon), 'whole', page.whole and '1' or '0',
    'origin', page.origin, 'server', page.server, 'forks', page.forks, 'bytes', text(page.bytes))
  local news = announcement(draft, prev)
  redis.call('XADD', page.key .. ':log', 'MAXLEN', '~', limits.max_log, version .. '-0', 'u', news)
  redis.call('XTRIM', page.key .. ':log', 'MINID', '~', text(math.max(now - limits.log_life, 0)) .. '-0')
  return news
end

local function keep_key(page, key, value, now)
  redis.call('HSET', page.key .. ':keys', key, value)
  redis.call('ZADD', page.key .. ':keytimes', text(now), key)
  local function forget(keys)
    if #keys == 0 then return end
    redis.call('HDEL', page.key .. ':keys', unpack(keys))
    redis.call('ZREM', page.key .. ':keytimes', unpack(keys))
  end
  forget(redis.call('ZRANGEBYSCORE', page.key .. ':keytimes', '-inf', text(now - limits.key_life), 'LIMIT', 0, 100))
  local over = redis.call('ZCARD', page.key .. ':keytimes') - limits.max_keys
  if over > 0 then forget(redis.call('ZRANGE', page.key .. ':keytimes', 0, over - 1)) end
end

local function keep_for_a_while(page)
  for _, part in ipairs({ '', ':order', ':gone', ':log', ':keys', ':keytimes' }) do
    redis.call('PEXPIRE', page.key .. part, limits.retention)
  end
end
