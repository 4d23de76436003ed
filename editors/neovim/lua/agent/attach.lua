--- What happens in a buffer while the server is attached to it: marks, code lenses, where one is.

local compat = require('agent.compat')
local options = require('agent.options')

local M = {}

local function group()
  return vim.api.nvim_create_augroup('agent_buffers', { clear = false })
end

local function is_ours(buffer)
  return vim.api.nvim_buf_is_loaded(buffer) and #compat.clients(buffer) > 0
end

local function each_of_ours(run)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if is_ours(buffer) then
      run(buffer)
    end
  end
end

local function refresh(buffer)
  if is_ours(buffer) then
    require('agent.hunks').refresh(buffer)
  end
end

local function refresh_lenses(buffer)
  if options.get().codelens and is_ours(buffer) then
    require('agent.lenses').refresh(buffer)
  end
end

--- Tells the server where the cursor is, for the team's presence: it listens to this request, and answers
--- nothing.
local function tell_place(buffer)
  local client = compat.clients(buffer)[1]
  if not client then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding or 'utf-16')
  compat.request(client, 'textDocument/documentHighlight', params, function() end, buffer)
end

--- The server updates files that no editor has open, also between the moment when the editor read one
--- and when it said so: unchanged buffers are read again where that happened.
local function look_again()
  each_of_ours(function(buffer)
    if not vim.bo[buffer].modified then
      vim.cmd('silent! checktime ' .. buffer)
    end
  end)
end

local function on(event, buffer, run)
  vim.api.nvim_create_autocmd(event, { group = group(), buffer = buffer, callback = run })
end

--- A server has taken a buffer.
function M.attached(buffer)
  vim.api.nvim_clear_autocmds({ group = group(), buffer = buffer })
  on('DiagnosticChanged', buffer, function()
    refresh(buffer)
  end)
  on({ 'BufEnter', 'InsertLeave', 'BufWritePost' }, buffer, function()
    refresh_lenses(buffer)
  end)
  on({ 'CursorHold', 'CursorHoldI' }, buffer, function()
    tell_place(buffer)
  end)
  on({ 'BufUnload' }, buffer, function()
    require('agent.hunks').forget(buffer)
  end)
  refresh(buffer)
  refresh_lenses(buffer)
end

--- A server has let a buffer go.
function M.detached(buffer)
  vim.api.nvim_clear_autocmds({ group = group(), buffer = buffer })
  require('agent.hunks').forget(buffer)
  require('agent.marks').clear(buffer)
  require('agent.lenses').clear(buffer)
end

function M.status_changed()
  look_again()
  each_of_ours(refresh)
  each_of_ours(refresh_lenses)
end

function M.presence_changed()
  each_of_ours(refresh_lenses)
end

return M
