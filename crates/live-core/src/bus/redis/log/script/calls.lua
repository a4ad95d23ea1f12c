
local function digest(words)
  local parts = {}
  for i, word in ipairs(words) do parts[i] = #word .. ':' .. word end
  return redis.sha1hex(table.concat(parts, ','))
end

-- ARGV: an idempotency key or nothing, and the update. Returns the cursor, and 1 if the key had been used for it before.
local function publish(key, words)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local page = open(key, server_name())
  local idempotency_key = table.remove(words, 1) or ''
  local digested = idempotency_key ~= '' and digest(words)
  local known = digested and page.has_log and redis.call('HGET', key .. ':keys', idempotency_key)
  if known then
    local same, at, cursor = string.match(known, '^(%x+) (%d+) (.+)$')
    if now - tonumber(at) < limits.key_life then
      if same ~= digested then refuse('LIVE_KEY_REUSED', 'the key was used with another update') end
      return { cursor, 1 }
    end
  end
  local draft = number(page, parse(words, 1), now)
  local news = draft and store(page, draft, now)
  if page.has_log then
    if digested then keep_key(page, idempotency_key, digested .. ' ' .. text(now) .. ' ' .. cursor(page), now) end
    keep_for_a_while(page)
  end
  if news then redis.call(limits.announce, key, news) end
  return { cursor(page), 0 }
end

-- What is known of pages without reading their posts.
local function about(keys)
  local server, pages = server_name(), {}
  for i, key in ipairs(keys) do
    local page = open(key, server)
    pages[i] = { page.epoch, text(page.head), text(page.horizon), page.whole and '1' or '0', page.origin, page.forks, server }
  end
  return pages
end

-- The updates after a cursor, or nothing if they are not all here.
local function since(key, epoch, version)
  local page = open(key, server_name())
  local is_before_log = epoch == page.origin and version == '0'
  if (page.epoch ~= epoch and not is_before_log) or tonumber(version) > page.head then return false end
  local updates = {}
  for i, entry in ipairs(redis.call('XRANGE', key .. ':log', text(tonumber(version) + 1), '+', 'COUNT', limits.max_since + 1)) do
    if i > limits.max_since then return false end
    updates[i] = entry[2][2]
  end
  return updates
end

local function guarded(call, ...)
  local done, result = pcall(call, ...)
  if done then return result end
  if type(result) == 'table' and result.refusal then return redis.error_reply(result.refusal) end
  -- An error of Redis itself, OOM or READONLY, comes as a table with its text; one of this script as text.
  return type(result) == 'table' and result or redis.error_reply('ERR ' .. tostring(result))
end
