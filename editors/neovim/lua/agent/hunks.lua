--- What the team changed in a document and what conflicts, as the server last said (`agent/hunks`). One
--- request per buffer is on its way at a time; what happens meanwhile is asked for afterwards.

local compat = require('agent.compat')
local tell = require('agent.tell')

local M = {}

--- By buffer: the hunks, whether they are being asked for, and whether to ask again.
local known = {}

--- MethodNotFound: a server older than this plugin. Its diagnostics say the same without authors.
local NOT_THERE = -32601
local unsupported = {}

local BY_CODE = { conflict = 'conflict', behind = 'remote', ['merges-cleanly'] = 'remote' }

local function of_diagnostics(buffer)
  local hunks = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
    local kind = BY_CODE[diagnostic.code]
    if kind then
      local range = {
        start = { line = diagnostic.lnum, character = 0 },
        ['end'] = { line = diagnostic.end_lnum or diagnostic.lnum, character = 0 },
      }
      table.insert(hunks, { kind = kind, range = range, is_empty = false })
    end
  end
  return hunks
end

local function taken(buffer, hunks)
  known[buffer].hunks = hunks
  require('agent.marks').draw(buffer, hunks)
  require('agent.diff').refresh(buffer)
  vim.cmd('redrawstatus!')
  vim.api.nvim_exec_autocmds('User', { pattern = 'AgentHunks', modeline = false })
end

local function answered(buffer, client, failure, answer)
  local state = known[buffer]
  if not state or not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  state.is_asking = false
  if failure and failure.code == NOT_THERE then
    unsupported[client.id] = true
    taken(buffer, of_diagnostics(buffer))
  elseif not failure and answer and answer ~= vim.NIL then
    -- What was answered for an older text is in the wrong lines: the newer text is asked for below.
    local version = tell.present(answer.version)
    state.again = state.again or (version ~= nil and version ~= compat.version(buffer))
    if not state.again then
      taken(buffer, answer.hunks)
    end
  end
  if state.again then
    state.again = false
    M.refresh(buffer)
  end
end

--- Asks for the hunks of a buffer.
function M.refresh(buffer)
  local client = compat.clients(buffer)[1]
  if not client or not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  known[buffer] = known[buffer] or { hunks = {} }
  local state = known[buffer]
  if unsupported[client.id] then
    return taken(buffer, of_diagnostics(buffer))
  elseif state.is_asking then
    state.again = true
    return
  end
  state.is_asking = true
  compat.request(client, 'agent/hunks', { uri = vim.uri_from_bufnr(buffer) }, function(failure, answer)
    answered(buffer, client, failure, answer)
  end, buffer)
end

function M.forget(buffer)
  known[buffer] = nil
end

--- The files with a conflict in their buffer, as it is in the editor.
function M.in_conflict()
  local files = {}
  for buffer, state in pairs(known) do
    for _, hunk in ipairs(state.hunks) do
      if hunk.kind == 'conflict' and vim.api.nvim_buf_is_valid(buffer) then
        table.insert(files, vim.api.nvim_buf_get_name(buffer))
        break
      end
    end
  end
  return files
end

--- The hunks of a buffer as they were answered last, local ones included.
function M.of(buffer)
  return known[buffer] and known[buffer].hunks or {}
end

return M
