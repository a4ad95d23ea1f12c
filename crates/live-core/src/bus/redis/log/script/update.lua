
-- What a publisher sends, checked.

local function check_id(id)
  local _, characters = string.gsub(id or '', '[^\128-\191]', '')
  local allowed = characters > 0 and characters <= 255 and not string.find(id, '[%c\'"\\<>&]')
  -- U+0080 to U+009F, and U+2028 and U+2029.
  if not allowed or string.find(id, '\194[\128-\159]') or string.find(id, '\226\128[\168\169]') then
    refuse('LIVE_INVALID', 'a post id is 1 to 255 characters without control characters and \' " \\ < > &')
  end
  return id
end

local function check_rev(rev)
  if rev == nil or #rev > MAX_NUMBER_DIGITS or not string.find(rev, '^%d*$') then
    refuse('LIVE_INVALID', 'a rev is empty or a whole number')
  end
  local digits = string.match(rev, '^0*(%d+)$')
  return digits or ''
end

local function check_sort(sort)
  if sort == '' then return nil end
  local number = sort and string.find(sort, '^%d+$') and tonumber(sort)
  if not number or number >= NO_VERSION then
    refuse('LIVE_INVALID', 'a sort is empty or a whole number below 2^53')
  end
  return number
end

-- Readers find a post by the element around it.
local function as_element(id, html)
  if html == nil then refuse('LIVE_INVALID', 'RENDER takes ID HTML SORT REV') end
  if #html > limits.max_post_bytes then
    refuse('LIVE_POST_TOO_LARGE', #html, limits.max_post_bytes, id)
  end
  if string.find(html, 'data-post-id="' .. id .. '"', 1, true) then return html end
  return '<div data-post-id="' .. id .. '">' .. html .. '</div>'
end

-- RENDER ID HTML SORT REV, HIDE ID SORT REV, REMOVE ID REV, RESET, and HEAD CURSOR: only if that is where the page is.
local function parse(words, at)
  local update = { items = {} }
  local seen = {}
  local function item(kind, id)
    if seen[check_id(id)] then refuse('LIVE_INVALID', 'a post is in the update twice') end
    seen[id] = true
    local new = { kind = kind, id = id }
    update.items[#update.items + 1] = new
    return new
  end
  while words[at] do
    local word = string.upper(words[at])
    if word == 'RENDER' then
      local new = item('render', words[at + 1])
      new.html = as_element(new.id, words[at + 2])
      new.sort, new.rev = check_sort(words[at + 3]), check_rev(words[at + 4])
      at = at + 5
    elseif word == 'HIDE' then
      local new = item('render', words[at + 1])
      new.sort, new.rev = check_sort(words[at + 2]), check_rev(words[at + 3])
      at = at + 4
    elseif word == 'REMOVE' then
      item('removal', words[at + 1]).rev = check_rev(words[at + 2])
      at = at + 3
    elseif word == 'RESET' then
      update.replace = true
      at = at + 1
    elseif word == 'HEAD' then
      update.only_at = words[at + 1] or refuse('LIVE_INVALID', 'HEAD takes a cursor')
      at = at + 2
    else
      refuse('LIVE_INVALID', 'an update is made of RENDER, HIDE, REMOVE and RESET')
    end
  end
  if #update.items > limits.max_update_items then
    refuse('LIVE_TOO_MANY_ITEMS', #update.items, limits.max_update_items)
  end
  return update
end
