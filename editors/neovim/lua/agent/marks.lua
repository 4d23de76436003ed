--- Signs beside the lines that the team changed, and behind the first of each who did and how long ago.

local options = require('agent.options')
local tell = require('agent.tell')

local M = {}

local space = vim.api.nvim_create_namespace('agent_marks')

local GROUPS = { remote = 'AgentRemote', conflict = 'AgentConflict' }

--- Above the signs of diagnostics (10), which stand on the same lines.
local PRIORITY = 20

function M.define_highlights()
  local links = { AgentRemote = 'DiagnosticInfo', AgentConflict = 'DiagnosticWarn', AgentAuthor = 'Comment', AgentLens = 'Comment' }
  for name, link in pairs(links) do
    vim.api.nvim_set_hl(0, name, { default = true, link = link })
  end
end

local function label(hunk)
  local author, at = tell.present(hunk.author), tell.present(hunk.at)
  if not author then
    return nil
  end
  return at and ('%s, %s'):format(author, tell.age(at)) or author
end

local function is_empty(range)
  return range.start.line == range['end'].line and range.start.character == range['end'].character
end

--- The lines of a hunk that exist in the buffer, counted from 0.
local function lines(buffer, range)
  local last = math.max(vim.api.nvim_buf_line_count(buffer) - 1, 0)
  local first, to = range.start.line, range['end'].line
  if to > first and range['end'].character == 0 then
    to = to - 1
  end
  return math.min(first, last), math.min(math.max(first, to), last)
end

local function mark(buffer, hunk)
  local group, chosen = GROUPS[hunk.kind], options.get()
  local first, last = lines(buffer, hunk.range)
  if is_empty(hunk.range) then
    last = first
  end
  for line = first, last do
    local it = { priority = PRIORITY }
    if chosen.signs then
      it.sign_text, it.sign_hl_group = chosen.signs[hunk.kind], group
    end
    local text = line == first and chosen.virtual_text and label(hunk)
    if text then
      it.virt_text = { { '  ' .. text, 'AgentAuthor' } }
    end
    if it.sign_text or it.virt_text then
      vim.api.nvim_buf_set_extmark(buffer, space, line, 0, it)
    end
  end
end

local function redraw_all()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and M.are_in(buffer) then
      M.draw(buffer, require('agent.hunks').of(buffer))
    end
  end
end

--- Ages grow; the clock runs only while some are shown.
local clock

local function keep_ages(is_shown)
  if is_shown and not clock then
    clock = (vim.uv or vim.loop).new_timer()
    clock:start(60000, 60000, vim.schedule_wrap(redraw_all))
    clock:unref()
  elseif not is_shown and clock then
    local is_needed = false
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      is_needed = is_needed or (vim.api.nvim_buf_is_loaded(buffer) and M.are_in(buffer))
    end
    if not is_needed then
      clock:stop()
      clock:close()
      clock = nil
    end
  end
end

--- Whether any mark stands in a buffer.
function M.are_in(buffer)
  return #vim.api.nvim_buf_get_extmarks(buffer, space, 0, -1, { limit = 1 }) > 0
end

--- Replaces the marks of a buffer.
function M.draw(buffer, hunks)
  vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  for _, hunk in ipairs(hunks) do
    if GROUPS[hunk.kind] then
      mark(buffer, hunk)
    end
  end
  keep_ages(M.are_in(buffer))
end

function M.clear(buffer)
  if vim.api.nvim_buf_is_valid(buffer) then
    M.draw(buffer, {})
  end
end

return M
