--- Requests of the verbs: commands of the server, and the code actions that carry them.

local compat = require('agent.compat')
local tell = require('agent.tell')

local M = {}

--- The server of a buffer; says so when there is none.
function M.own(buffer)
  local client = compat.clients(buffer)[1]
  if not client then
    tell.warn('no server for this buffer; it starts for Markdown and YAML files of a project with a folder .agent')
  end
  return client
end

--- Runs a command of the server; `answered(result)` hears when it is done.
function M.execute(client, command, arguments, answered)
  compat.request(client, 'workspace/executeCommand', { command = command, arguments = arguments }, function(failure, result)
    if failure then
      tell.failure(failure)
    elseif answered then
      answered(tell.present(result))
    end
  end)
end

--- The same on every server that runs.
function M.execute_everywhere(command, answered)
  local all = compat.clients()
  if #all == 0 then
    return tell.warn('no server is running; open a file of a project with a folder .agent')
  end
  for _, client in ipairs(all) do
    M.execute(client, command, {}, answered)
  end
end

--- A code action's command, its name and its first argument. An action may also be a bare command.
local function command_of(action)
  local command = type(action.command) == 'table' and action.command or action
  local argument = command.arguments and command.arguments[1]
  return command, command.command, type(argument) == 'table' and argument or {}
end

--- The code actions at the cursor, or with `only` those of a kind for the whole document, as
--- `{ title, command, name, argument }`.
local function actions(client, only, answered)
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding or 'utf-16')
  params.context = { diagnostics = {}, only = only and { only } or nil }
  if only then
    params.range = { start = { line = 0, character = 0 }, ['end'] = { line = 0, character = 0 } }
  end
  local buffer = vim.api.nvim_get_current_buf()
  compat.request(client, 'textDocument/codeAction', params, function(failure, found)
    if failure then
      return tell.failure(failure)
    end
    local all = {}
    for _, action in ipairs(tell.present(found) or {}) do
      local command, name, argument = command_of(action)
      table.insert(all, { title = action.title, command = command, name = name, argument = argument })
    end
    answered(all)
  end, buffer)
end

function M.run(client, action)
  M.execute(client, action.command.command, action.command.arguments)
end

--- Runs the first code action that `is_wanted(action)` holds for; says `otherwise` when there is none.
function M.act(is_wanted, otherwise, only)
  local client = M.own(vim.api.nvim_get_current_buf())
  if not client then
    return
  end
  actions(client, only, function(all)
    for _, action in ipairs(all) do
      if is_wanted(action) then
        return M.run(client, action)
      end
    end
    tell.info(otherwise)
  end)
end

--- Offers the code actions that `is_wanted(action)` holds for.
function M.offer(prompt, is_wanted, otherwise)
  local client = M.own(vim.api.nvim_get_current_buf())
  if not client then
    return
  end
  actions(client, nil, function(all)
    local wanted = vim.tbl_filter(is_wanted, all)
    if #wanted == 0 then
      return tell.info(otherwise)
    end
    local function titled(action)
      return action.title
    end
    vim.ui.select(wanted, { prompt = prompt, format_item = titled, kind = 'agent' }, function(chosen)
      if chosen then
        M.run(client, chosen)
      end
    end)
  end)
end

return M
