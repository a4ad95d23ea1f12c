
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

-- What is kept of the update, and what nodes are told: what is too large to be sent to each of them at once, they fetch.
local function news_of(draft, prev)
  local parts = {}
  for _, change in ipairs(draft.changes) do
    local fields = { 'r', change.id, change.rev }
    if not change.removal then
      fields = { change.html and 'p' or 'h', change.id, change.rev, text(change.sort), change.placed and '1' or '0', change.html }
    end
    parts[#parts + 1] = cjson.encode(fields)
  end
  local head = '{"prev":"' .. prev .. '","cursor":"' .. cursor(draft.page) .. '"'
  local news = head .. ',"reset":' .. tostring(draft.reset or false) .. ',"changes":[' .. table.concat(parts, ',') .. ']}'
  return news, #news > limits.max_announced_bytes and head .. '}' or news
end

-- Adds to the log, and cuts off what is too old or too much. The newest update always stays.
local function add_to_log(page, version, news, now)
  local log = page.key .. ':log'
  redis.call('XADD', log, version .. '-0', 'u', news)
  page.log_bytes = page.log_bytes + #news
  local count = redis.call('XLEN', log)
  for _ = 1, limits.max_cut do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    local is_old = tonumber(string.match(oldest[1], '^(%d+)')) < now - limits.log_life
    local is_too_much = count > limits.max_log or page.log_bytes > limits.max_log_bytes
    if count <= 1 or not (is_old or is_too_much) then return end
    redis.call('XDEL', log, oldest[1])
    count, page.log_bytes = count - 1, page.log_bytes - #oldest[2][2]
  end
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
  local news, announced = news_of(draft, prev)
  add_to_log(page, version, news, now)
  redis.call('HSET', page.key, 'epoch', page.epoch, 'head', version, 'horizon', text(page.horizon), 'whole', page.whole and '1' or '0',
    'origin', page.origin, 'server', page.server, 'forks', page.forks, 'bytes', text(page.bytes),
    'log_bytes', text(page.log_bytes))
  return announced
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
