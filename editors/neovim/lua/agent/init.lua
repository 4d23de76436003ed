-- Starts `agent lsp` for the files of a project that has a folder `.agent`, keeps its status for a
-- statusline, and makes the command :Agent. See doc/agent.txt.

local M = {}

local defaults = {
  cmd = { 'agent', 'lsp' },
  env = nil, -- environment variables for the server
  filetypes = { 'markdown', 'yaml' },
  on_attach = nil,
  capabilities = nil, -- added to the editor's own
}

local NAME = 'agent'

--- From what needs least attention to what needs most.
local ORDER = { 'in-sync', 'waiting', 'behind', 'offline', 'conflict', 'signed-out', 'broken' }

--- The last `agent/status` of each folder, by its address, with the client that sent it.
local folders = {}

local function clients(buffer)
  local filter = { name = NAME, bufnr = buffer }
  -- The older function ignores a filter by name in some versions.
  local all = (vim.lsp.get_clients or vim.lsp.get_active_clients)(filter)
  return vim.tbl_filter(function(client)
    return client.name == NAME
  end, all)
end

local function request(client, method, params, answered, buffer)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request(method, params, answered, buffer)
  end
  return client.request(method, params, answered, buffer)
end

local function tell(message, level)
  vim.notify('agent: ' .. message, level or vim.log.levels.INFO)
end

-- Starting -------------------------------------------------------------------------------------

--- The nearest folder with a folder `.agent`, from a buffer's file upwards.
local function root_of(buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  if vim.bo[buffer].buftype ~= '' or file == '' or file:match('^%a[%w+.-]+://') then
    return nil
  end
  local found = vim.fs.find('.agent', { path = vim.fs.dirname(file), upward = true, type = 'directory' })
  return found[1] and vim.fs.dirname(found[1]) or nil
end

--- The server updates files that no editor has open, also between the moment when the editor read one
--- and when it said so: unchanged buffers are read again where that happened.
local function look_again()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and not vim.bo[buffer].modified and #clients(buffer) > 0 then
      vim.cmd('silent! checktime ' .. buffer)
    end
  end
end

local function changed()
  vim.schedule(function()
    look_again()
    vim.cmd('redrawstatus!')
    vim.api.nvim_exec_autocmds('User', { pattern = 'AgentStatus', modeline = false })
  end)
end

local function on_status(_, status, context)
  if status and status.uri then
    folders[status.uri] = { status = status, client = context.client_id }
    changed()
  end
end

local function on_exit(_, _, client)
  for uri, folder in pairs(folders) do
    if folder.client == client then
      folders[uri] = nil
    end
  end
  changed()
end

local function configuration(options)
  local capabilities = vim.tbl_deep_extend(
    'force',
    vim.lsp.protocol.make_client_capabilities(),
    options.capabilities or {},
    { experimental = { agentStatus = true } }
  )
  return {
    name = NAME,
    cmd = options.cmd,
    cmd_env = options.env,
    filetypes = options.filetypes,
    capabilities = capabilities,
    handlers = { ['agent/status'] = on_status },
    on_attach = options.on_attach,
    on_exit = on_exit,
  }
end

--- Neovim 0.8 to 0.10: the server is started by file type.
local function start_by_filetype(config)
  local filetypes = config.filetypes
  config.filetypes = nil
  local function start(buffer)
    local root = root_of(buffer)
    if not root then
      return
    end
    vim.api.nvim_buf_call(buffer, function()
      local folder = { uri = vim.uri_from_fname(root), name = root }
      vim.lsp.start(vim.tbl_extend('force', config, { root_dir = root, workspace_folders = { folder } }))
    end)
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('agent', { clear = true }),
    pattern = filetypes,
    callback = function(event)
      start(event.buf)
    end,
  })
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.tbl_contains(filetypes, vim.bo[buffer].filetype) then
      start(buffer)
    end
  end
end

-- The status -----------------------------------------------------------------------------------

local function count(n, noun)
  return ('%d %s%s'):format(n, noun, n == 1 and '' or 's')
end

local function words(status)
  local state = status.state
  if state == 'in-sync' then
    return 'in sync'
  elseif state == 'waiting' then
    return ('%d to push'):format(status.waiting)
  elseif state == 'behind' then
    return ('%d changed by the team'):format(status.behind)
  elseif state == 'offline' then
    return status.waiting > 0 and ('offline, %d to push'):format(status.waiting) or 'offline'
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
  local root = root_of(vim.api.nvim_get_current_buf())
  local own = root and folders[vim.uri_from_fname(root)]
  if own then
    return own.status
  end
  local worst
  for _, folder in pairs(folders) do
    if not worst or rank(folder.status) > rank(worst) then
      worst = folder.status
    end
  end
  return worst
end

--- For a statusline: "agent: 1 in conflict", or nothing where no folder is synced.
function M.status()
  local status = current()
  return status and ('agent: ' .. words(status)) or ''
end

--- The last status of each folder, as docs/lsp-extensions.md has it.
function M.statuses()
  return vim.tbl_map(function(folder)
    return folder.status
  end, folders)
end

-- The command ----------------------------------------------------------------------------------

--- What `:Agent resolve` takes: the action's `take`, and whether it is for the hunk at the cursor.
local TAKES = {
  ['local'] = { take = 'local', hunk = true },
  ['remote'] = { take = 'remote', hunk = true },
  ['both'] = { take = 'local-then-remote', hunk = true },
  ['both-remote-first'] = { take = 'remote-then-local', hunk = true },
  ['all-local'] = { take = 'all-local' },
  ['all-remote'] = { take = 'all-remote' },
  ['merge'] = { take = 'incoming' },
}

local function is_for(action, wanted)
  local command = type(action.command) == 'table' and action.command or action
  local arguments = command.arguments and command.arguments[1]
  if command.command ~= 'agent.resolve' or type(arguments) ~= 'table' or arguments.take ~= wanted.take then
    return false
  end
  -- What the remote deleted has no hunks: there `local` and `remote` are for the whole file.
  return not wanted.hunk or arguments.hunk ~= nil or wanted.take == 'local' or wanted.take == 'remote'
end

local function execute(client, command, arguments, done)
  request(client, 'workspace/executeCommand', { command = command, arguments = arguments }, function(failure)
    if failure then
      tell(failure.message or vim.inspect(failure), vim.log.levels.ERROR)
    elseif done then
      tell(done)
    end
  end)
end

local function each(command, done)
  local all = clients()
  if #all == 0 then
    return tell('no server is running; open a file of a project with a folder .agent', vim.log.levels.WARN)
  end
  for _, client in ipairs(all) do
    execute(client, command, {}, done)
  end
end

--- The server of the current buffer.
local function own()
  local client = clients(vim.api.nvim_get_current_buf())[1]
  if not client then
    tell('no server for this buffer', vim.log.levels.WARN)
  end
  return client
end

local verbs = {}

function verbs.push()
  each('agent.push', 'pushing')
end

function verbs.pull()
  each('agent.pull', 'pulling')
end

function verbs.status()
  local all = clients()
  if #all == 0 then
    return tell('no server is running')
  end
  for _, client in ipairs(all) do
    request(client, 'agent/status', nil, function(failure, answer)
      if failure then
        return tell(failure.message, vim.log.levels.ERROR)
      end
      local lines = {}
      for _, status in ipairs(answer) do
        local line = ('%s: %s (%s%s)'):format(
          vim.fn.fnamemodify(vim.uri_to_fname(status.uri), ':~'),
          words(status),
          count(status.artifacts, 'artifact'),
          status.live and ', live' or ''
        )
        local problem = type(status.problem) == 'string' and ('\n  ' .. status.problem) or ''
        table.insert(lines, line .. problem)
      end
      tell(#lines > 0 and table.concat(lines, '\n') or 'nothing is synced yet')
    end)
  end
end

function verbs.compare()
  local client = own()
  if client then
    execute(client, 'agent.compare', { { uri = vim.uri_from_bufnr(0) } })
  end
end

--- Without a word: all that can be done at the cursor. With one: that, at once.
function verbs.resolve(word)
  if not own() then
    return
  end
  if not word then
    return vim.lsp.buf.code_action()
  end
  local wanted = TAKES[word]
  if not wanted then
    return tell('resolve ' .. word .. ': no such choice', vim.log.levels.ERROR)
  end
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return is_for(action, wanted)
    end,
  })
end

local function starting_with(typed, all)
  local fitting = vim.tbl_filter(function(word)
    return vim.startswith(word, typed)
  end, all)
  table.sort(fitting)
  return fitting
end

local function complete(typed, line)
  local before = vim.split(vim.trim(line:sub(1, #line - #typed)), '%s+')
  if #before == 1 then
    return starting_with(typed, vim.tbl_keys(verbs))
  elseif #before == 2 and before[2] == 'resolve' then
    return starting_with(typed, vim.tbl_keys(TAKES))
  end
  return {}
end

local function run(command)
  local verb = verbs[command.fargs[1]]
  if not verb then
    return tell(command.fargs[1] .. ': no such command', vim.log.levels.ERROR)
  end
  verb(command.fargs[2])
end

-- Setting up -----------------------------------------------------------------------------------

--- Starts the server where it is needed. See |agent-setup|.
function M.setup(options)
  if vim.fn.has('nvim-0.8') == 0 then
    return tell('Neovim 0.8 or newer is needed', vim.log.levels.ERROR)
  end
  options = vim.tbl_extend('force', defaults, options or {})
  local config = configuration(options)
  if vim.fn.executable(options.cmd[1]) == 0 then
    tell(('the program %s was not found; say where it is: setup{ cmd = { "…/agent", "lsp" } }'):format(options.cmd[1]), vim.log.levels.WARN)
  end
  vim.api.nvim_create_user_command('Agent', run, { nargs = '+', complete = complete, desc = 'Sync with the team' })
  if vim.lsp.config and vim.lsp.enable then
    config.root_dir = function(buffer, found)
      local root = root_of(buffer)
      if root then
        found(root)
      end
    end
    vim.lsp.config(NAME, config)
    vim.lsp.enable(NAME)
  else
    start_by_filetype(config)
  end
end

return M
