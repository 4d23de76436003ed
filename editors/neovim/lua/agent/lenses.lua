--- The server's code lenses as text behind their lines: who is where, which states may follow. Those of a
--- hunk are left out, since its sign, its author and the message stand there already; what a lens does is a
--- code action too. Neovim's own lenses would show all of them, and those of every other server.

local compat = require('agent.compat')
local tell = require('agent.tell')

local M = {}

local space = vim.api.nvim_create_namespace('agent_lenses')

local OF_HUNKS = { ['agent.resolve'] = true, ['agent.compare'] = true }

--- By buffer, whether they are being asked for, and whether to ask again.
local asked = {}

local function draw(buffer, lenses)
  vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  local by_line, last = {}, vim.api.nvim_buf_line_count(buffer) - 1
  for _, lens in ipairs(lenses) do
    local line = math.min(lens.range.start.line, last)
    if lens.command and not OF_HUNKS[lens.command.command] then
      by_line[line] = by_line[line] or {}
      table.insert(by_line[line], lens.command.title)
    end
  end
  for line, titles in pairs(by_line) do
    local text = '  ' .. table.concat(titles, ' | ')
    vim.api.nvim_buf_set_extmark(buffer, space, line, 0, { virt_text = { { text, 'AgentLens' } } })
  end
end

--- Shows the lenses of a buffer as they are now.
function M.refresh(buffer)
  local client = compat.clients(buffer)[1]
  if not client then
    return
  end
  if asked[buffer] then
    asked[buffer] = 'again'
    return
  end
  asked[buffer] = 'once'
  local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) } }
  compat.request(client, 'textDocument/codeLens', params, function(failure, lenses)
    local is_again = asked[buffer] == 'again'
    asked[buffer] = nil
    if not vim.api.nvim_buf_is_loaded(buffer) then
      return
    end
    if is_again then
      return M.refresh(buffer)
    elseif not failure then
      draw(buffer, tell.present(lenses) or {})
    end
  end, buffer)
end

function M.clear(buffer)
  -- A server that is gone answers nothing any more.
  asked[buffer] = nil
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  end
end

return M
