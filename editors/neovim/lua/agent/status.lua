--- How each folder stands and who else is there, as the server said last; in words for a statusline.

local compat = require('agent.compat')
local hunks = require('agent.hunks')
local root = require('agent.root')
local tell = require('agent.tell')

local M = {}

--- From what needs least attention to what needs most.
local ORDER = { 'in-sync', 'waiting', 'behind', 'offline', 'conflict', 'signed-out', 'broken' }

--- By the folder's address, each with the client that said it.
local statuses, presences = {}, {}

--- A status with the files that are in conflict in the editor: the server counts those on disk.
local function with_open(status)
  local folder = vim.uri_to_fname(status.uri):gsub('/$', '') .. '/'
  local conflicts = 0
  for _, file in ipairs(hunks.in_conflict()) do
    if vim.startswith(file, folder) then
      conflicts = conflicts + 1
    end
  end
  if conflicts <= status.conflicts then
    return status
  end
  local is_worse = vim.tbl_contains({ 'in-sync', 'waiting', 'behind' }, status.state)
  return vim.tbl_extend('force', status, { conflicts = conflicts, state = is_worse and 'conflict' or status.state })
end

local function living(folders)
  for uri, said in pairs(folders) do
    if not vim.lsp.get_client_by_id(said.client) then
      folders[uri] = nil
    end
  end
  return folders
end

local function changed(event)
  vim.schedule(function()
    vim.cmd('redrawstatus!')
    vim.api.nvim_exec_autocmds('User', { pattern = event, modeline = false })
  end)
end

--- The handler of the notification `agent/status`.
function M.on_status(_, status, context)
  if status and status.uri then
    statuses[status.uri] = { is = status, client = context.client_id }
    changed('AgentStatus')
  end
end

--- The handler of the notification `agent/presence`.
function M.on_presence(_, presence, context)
  if presence and presence.uri then
    presences[presence.uri] = { is = presence, client = context.client_id }
    changed('AgentPresence')
  end
end

--- A server has ended: what it said does not hold any more.
function M.on_exit()
  changed('AgentStatus')
end

function M.words(status)
  local state = status.state
  if state == 'in-sync' then
    return 'in sync'
  elseif state == 'waiting' then
    return ('%d to push'):format(status.waiting)
  elseif state == 'behind' then
    return ('%d changed by the team'):format(status.behind)
  elseif state == 'offline' then
    local since = tell.present(status.since)
    local words = since and ('offline since ' .. os.date('%H:%M', math.floor(since / 1000))) or 'offline'
    return status.waiting > 0 and ('%s, %d to push'):format(words, status.waiting) or words
  elseif state == 'conflict' then
    local parts = {}
    if status.conflicts > 0 then
      table.insert(parts, ('%d in conflict'):format(status.conflicts))
    end
    if status.refused > 0 then
      table.insert(parts, ('%d refused'):format(status.refused))
    end
    return table.concat(parts, ', ')
  elseif state == 'signed-out' then
    return 'signed out'
  elseif state == 'broken' then
    return 'not syncing'
  end
  return state
end

local function rank(status)
  for place, state in ipairs(ORDER) do
    if state == status.state then
      return place
    end
  end
  return 0
end

--- The folder of the current buffer, or the one that needs attention most.
local function current()
  local folders = living(statuses)
  local own = root.of(vim.api.nvim_get_current_buf())
  local here = own and folders[vim.uri_from_fname(own)]
  if here then
    return with_open(here.is)
  end
  local worst
  for _, folder in pairs(folders) do
    local status = with_open(folder.is)
    if not worst or rank(status) > rank(worst) then
      worst = status
    end
  end
  return worst
end

--- For a statusline: "agent: 1 in conflict", or nothing where no folder is synced.
function M.line()
  local status = current()
  return status and ('agent: ' .. M.words(status)) or ''
end

--- The last status of each folder, as docs/lsp-extensions.md has it.
function M.all()
  return vim.tbl_map(function(folder)
    return folder.is
  end, living(statuses))
end

--- Who else is there, one line per person and artifact.
function M.people()
  local lines = {}
  for _, folder in pairs(living(presences)) do
    for _, person in ipairs(folder.is.people) do
      for _, open in ipairs(person.open) do
        local section = tell.present(open.section)
        table.insert(lines, ('%s: %s %s%s'):format(person.name, open.kind, open.id, section and (', ' .. section) or ''))
      end
    end
  end
  table.sort(lines)
  return lines
end

--- The names of those who have a buffer's artifact open, for a statusline.
function M.here(buffer)
  local uri = vim.uri_from_bufnr(buffer or vim.api.nvim_get_current_buf())
  local names = {}
  for _, folder in pairs(living(presences)) do
    for _, person in ipairs(folder.is.people) do
      for _, open in ipairs(person.open) do
        if open.uri == uri and not vim.tbl_contains(names, person.name) then
          table.insert(names, person.name)
        end
      end
    end
  end
  table.sort(names)
  return table.concat(names, ', ')
end

--- The problem of a folder on a line of its own, or nothing.
function M.problem(status)
  return tell.present(status.problem)
end

--- Asks every server how its folders stand; `answered(lines)` hears from each.
function M.ask(answered)
  for _, client in ipairs(compat.clients()) do
    compat.request(client, 'agent/status', vim.empty_dict(), function(failure, folders)
      if failure then
        return tell.failure(failure)
      end
      local lines = {}
      for _, status in ipairs(vim.tbl_map(with_open, folders)) do
        local folder = vim.fn.fnamemodify(vim.uri_to_fname(status.uri), ':~')
        local live = status.live and ', live' or ''
        table.insert(lines, ('%s: %s (%s%s)'):format(folder, M.words(status), tell.count(status.artifacts, 'artifact'), live))
        local problem = M.problem(status)
        if problem then
          table.insert(lines, '  ' .. problem)
        end
      end
      answered(lines)
    end)
  end
end

return M
