-- The log of a page in Redis. One call numbers an update, stores it and announces it, in one step that nothing interrupts.
--
-- KEYS[1] is the page, PREFIX:{CHANNEL}: a hash of its state, and the name of the channel that its updates are announced on. What
-- belongs to it stands beside it, in the same slot of a cluster:
--   …:order      its posts by their place           …:gone       its removals by their version
--   …:log        its recent updates, a stream       …:keys       the idempotency keys, and …:keytimes when each came
-- Numbers stay below 2^53, which a Lua number holds exactly. Revisions may be larger, and are compared as text.

local limits = @LIMITS@

local NO_VERSION, MAX_FORKS, MAX_NUMBER_DIGITS = 2 ^ 53, 16, 20

local function text(number)
  return string.format('%.0f', number)
end

local function refuse(kind, ...)
  error({ refusal = table.concat({ kind, ... }, ' ') })
end

-- What changes whenever the server may have lost the end of a log: it was restarted, or a replica was promoted.
local function server_name()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return redis.sha1hex(run .. (history or ''))
end

-- Unlike a random number it is the same for whoever asks first.
local function epoch_of(...)
  return string.sub(redis.sha1hex(table.concat({ ... }, ' ')), 1, 16)
end

-- The epoch of pages without a log. Who empties the store takes it away, too.
local function origin(key, server)
  -- A script may not look into another slot of a cluster, so there it is told.
  if limits.store_epoch then return epoch_of(limits.store_epoch, server) end
  local store = string.match(key, '^(.-):{') .. ':epoch'
  local epoch = redis.call('GET', store)
  if not epoch then
    local time = redis.call('TIME')
    epoch = epoch_of(server, time[1], time[2])
    redis.call('SET', store, epoch)
  end
  return epoch
end

local function add_fork(forks, epoch, head)
  local kept = {}
  for fork in string.gmatch(forks, '%S+') do kept[#kept + 1] = fork end
  kept[#kept + 1] = epoch .. '-' .. head
  if #kept > MAX_FORKS then table.remove(kept, 1) end
  return table.concat(kept, ' ')
end

-- The page as it stands. A fork is seen by all at once, and stored with the next update: reading writes nothing.
local function open(key, server)
  local fields = redis.call('HMGET', key, 'epoch', 'head', 'horizon', 'whole', 'origin', 'server', 'forks', 'bytes', 'log_bytes')
  local page = { key = key, server = server, has_log = fields[1] ~= false }
  if not page.has_log then
    page.origin = origin(key, server)
    page.epoch, page.head, page.horizon, page.whole, page.forks, page.bytes = page.origin, 0, 0, false, '', 0
    page.log_bytes = 0
    return page
  end
  page.epoch, page.head, page.horizon = fields[1], tonumber(fields[2]), tonumber(fields[3])
  page.whole, page.origin, page.forks = fields[4] == '1', fields[5], fields[7]
  page.bytes, page.log_bytes = tonumber(fields[8]), tonumber(fields[9])
  if fields[6] ~= server then
    page.forks = add_fork(page.forks, page.epoch, fields[2])
    page.epoch = epoch_of(page.epoch, server)
  end
  return page
end

local function cursor(page)
  return page.epoch .. '-' .. text(page.head)
end

local function post_value(change, version, index)
  local fields = { text(change.sort), change.placed and 1 or 0, change.rev, version, index, change.html and 1 or 0 }
  return table.concat(fields, ' ') .. ' ' .. (change.html or '')
end

local function find_post(page, id)
  local value = redis.call('HGET', page.key, 'p:' .. id)
  if not value then return nil end
  local sort, placed, rev, version, index, shown, html = string.match(value, '^(%d+) ([01]) (%d*) (%d+) (%d+) ([01]) ()')
  return {
    sort = tonumber(sort), placed = placed == '1', rev = rev, shown = shown == '1', html = string.sub(value, html),
    size = #id + #value - html + 1,
  }
end

local function find_removal(page, id)
  local value = redis.call('HGET', page.key, 'r:' .. id)
  if not value then return nil end
  local version, index, rev = string.match(value, '^(%d+) (%d+) (%d*)$')
  return { version = version, index = index, rev = rev }
end

-- Of removals in one update the first is the oldest.
local function gone_member(id, index)
  return string.format('%08d', index) .. id
end

local function is_late(rev, known)
  if rev == '' or known == '' then return false end
  if #rev ~= #known then return #rev < #known end
  return rev < known
end
