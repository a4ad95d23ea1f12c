
-- What an update comes to on the page as it is. It is `Page::number` in another language, and a test holds the two together.

local function add_render(draft, item, old, removed, only_if_changed)
  local known = (old or removed or { rev = '' }).rev
  if is_late(item.rev, known) then return end
  if only_if_changed and old then
    local same_html = old.shown == (item.html ~= nil) and (not item.html or old.html == item.html)
    local same_place = item.sort == nil or item.sort == old.sort
    if same_html and same_place and (item.rev == '' or item.rev == old.rev) then return end
  end
  local change = { id = item.id, html = item.html, old = old, removed = removed, sort = item.sort, placed = true }
  if item.sort == nil and old then change.sort, change.placed = old.sort, old.placed end
  if change.sort == nil then
    change.placed, change.unplaced = false, true
    draft.unplaced = draft.unplaced + 1
  end
  if not old then draft.new = draft.new + 1 end
  -- Without a revision of its own the edit keeps the post's, so that older publishers stay late.
  change.rev = item.rev ~= '' and item.rev or known
  draft.changes[#draft.changes + 1] = change
end

local function add_removal(draft, id, rev, old, removed)
  -- Removing what is known to be gone tells nobody anything new. A post that was never here may be in the host's HTML.
  if removed and removed.rev == rev then return end
  draft.changes[#draft.changes + 1] = { id = id, removal = true, rev = rev, old = old, removed = removed }
end

local function touched_ids(draft)
  local touched = {}
  for _, change in ipairs(draft.changes) do touched[change.id] = true end
  return touched
end

local function remove_all_but(draft, kept)
  local touched = touched_ids(draft)
  for _, id in ipairs(redis.call('ZRANGE', draft.page.key .. ':order', 0, -1)) do
    if not kept[id] and not touched[id] then
      local old = find_post(draft.page, id)
      add_removal(draft, id, old.rev, old)
    end
  end
end

local function take(draft, update, reset)
  local kept = {}
  for _, item in ipairs(update.items) do
    local old = find_post(draft.page, item.id)
    local removed = not old and find_removal(draft.page, item.id) or nil
    local known = (old or removed or { rev = '' }).rev
    if item.kind == 'render' then
      kept[item.id] = true
      add_render(draft, item, old, removed, update.replace and not reset)
    elseif is_late(item.rev, known) then
      -- A late removal must not undo an edit that its publisher had not seen.
      kept[item.id] = true
    else
      add_removal(draft, item.id, item.rev ~= '' and item.rev or known, old, removed)
    end
  end
  if update.replace then remove_all_but(draft, kept) end
end

-- Removes the lowest posts until the rest has room.
local function remove_oldest(draft, has_room)
  local touched, from = touched_ids(draft), 0
  while not has_room() do
    local ids = redis.call('ZRANGE', draft.page.key .. ':order', from, from + 99)
    if #ids == 0 then return end
    from = from + 100
    for _, id in ipairs(ids) do
      if has_room() then return end
      if not touched[id] then
        local old = find_post(draft.page, id)
        draft.posts, draft.bytes = draft.posts - 1, draft.bytes - old.size
        add_removal(draft, id, old.rev, old)
      end
    end
  end
end

local function make_room(draft)
  local page = draft.page
  local posts = redis.call('ZCARD', page.key .. ':order')
  draft.posts, draft.bytes = posts, page.bytes
  for _, change in ipairs(draft.changes) do
    if change.old then draft.posts, draft.bytes = draft.posts - 1, draft.bytes - change.old.size end
    if not change.removal then
      draft.posts, draft.bytes = draft.posts + 1, draft.bytes + #change.id + #(change.html or '')
    end
  end
  -- An update that does not make the page larger is taken even above the limits, or nobody could make room.
  local most_posts, most_bytes = math.max(limits.max_posts, posts), math.max(limits.max_page_bytes, page.bytes)
  local function has_room() return draft.posts <= most_posts and draft.bytes <= most_bytes end
  if limits.remove_oldest then remove_oldest(draft, has_room) end
  if not has_room() then
    refuse('LIVE_PAGE_FULL', draft.posts, limits.max_posts, draft.bytes, limits.max_page_bytes)
  end
end

local function number(page, update, now)
  if update.only_at and update.only_at ~= cursor(page) then refuse('LIVE_HEAD_MOVED', cursor(page)) end
  local reset = update.replace and not page.whole
  local draft = { page = page, changes = {}, new = 0, unplaced = 0, reset = reset }
  take(draft, update, reset)
  if #draft.changes == 0 and not reset then return nil end
  make_room(draft)
  draft.version = math.max(now, page.head + math.max(draft.new, 1))
  if draft.version >= NO_VERSION then refuse('LIVE_NO_VERSION_LEFT', 'the clock of Redis is too far in the future') end
  -- The i-th new post of n sorts at `version - n + i`: oldest first, all above what was there before.
  local next = draft.version - draft.unplaced
  for _, change in ipairs(draft.changes) do
    if change.unplaced then
      next = next + 1
      change.sort = next
    end
  end
  return draft
end
