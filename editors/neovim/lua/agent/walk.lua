--- From one hunk to the next, as the diagnostics have them: they are there in every version, and for every
--- server.

local tell = require('agent.tell')

local M = {}

local CODES = { conflict = true, behind = true, ['merges-cleanly'] = true }

--- The first lines of the hunks of a buffer, counted from 1, in order.
local function places(buffer)
  local found, seen = {}, {}
  local last = vim.api.nvim_buf_line_count(buffer)
  for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
    local line = math.min(diagnostic.lnum + 1, last)
    if CODES[diagnostic.code] and not seen[line] then
      seen[line] = true
      table.insert(found, line)
    end
  end
  table.sort(found)
  return found
end

--- The nth place after a line, going around at the end.
local function after(all, line, n)
  local before = 0
  for place, at in ipairs(all) do
    if at <= line then
      before = place
    end
  end
  return all[(before + n - 1) % #all + 1]
end

local function before(all, line, n)
  local first = #all + 1
  for place = #all, 1, -1 do
    if all[place] >= line then
      first = place
    end
  end
  return all[(first - n - 1) % #all + 1]
end

local function go(choose)
  local all = places(vim.api.nvim_get_current_buf())
  if #all == 0 then
    return tell.info('nothing of the team\'s is new in this buffer')
  end
  local line = choose(all, vim.api.nvim_win_get_cursor(0)[1], vim.v.count1)
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(0, { line, 0 })
end

function M.next()
  go(after)
end

function M.previous()
  go(before)
end

return M
