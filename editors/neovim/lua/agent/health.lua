--- `:checkhealth agent`: what is needed, what is there, and how each project stands.

local compat = require('agent.compat')
local options = require('agent.options')
local root = require('agent.root')
local status = require('agent.status')
local tell = require('agent.tell')

local M = {}

local say = compat.health()

local function editor()
  say.start('Neovim')
  local version = vim.version()
  local name = ('%d.%d.%d'):format(version.major, version.minor, version.patch)
  if vim.lsp.config then
    say.ok(name .. ': the server starts by vim.lsp.enable')
  elseif compat.has('0.8') then
    say.ok(name .. ': the server starts by file type')
  elseif compat.has('0.7') then
    say.warn(name .. ': plain LSP and :Agent; no winbar in :AgentDiff, and the server is not offered UTF-8')
  else
    say.error(name .. ' is too old: 0.7 is needed')
  end
  if compat.has('0.7') and vim.o.autoread == false then
    say.warn("'autoread' is off: what the team changed in unchanged buffers is not read again by itself")
  end
  say.info('picker: ' .. require('agent.pick').picker())
end

--- The program, and what it says of itself. Nil when it cannot be run.
local function program()
  say.start('The program')
  local name = options.get().cmd[1]
  if vim.fn.executable(name) == 0 then
    say.error(
      name .. ' was not found',
      { 'Install it: cargo install --path server/cli', "Or say where it is: require('agent').setup{ cmd = { '/path/to/agent', 'lsp' } }" }
    )
    return nil
  end
  local path = vim.fn.exepath(name)
  if vim.fn.fnamemodify(name, ':t'):match('^agent') == nil then
    say.info(path .. ' starts the server')
    return nil
  end
  local said = vim.fn.system({ path, '--version' })
  if vim.v.shell_error ~= 0 then
    say.error(path .. ' --version failed: ' .. vim.trim(said))
    return nil
  end
  say.ok(('%s: %s'):format(path, vim.trim(said)))
  return path
end

local function servers()
  say.start('Servers')
  local all = compat.clients()
  if #all == 0 then
    local buffer = vim.fn.bufnr('#')
    local folder = buffer > 0 and vim.api.nvim_buf_is_loaded(buffer) and root.of(buffer)
    if folder then
      say.warn('none is running, though the last file is in the project ' .. folder, { 'Look into :Agent log', ':Agent restart' })
    else
      say.info('none is running: it starts with a Markdown or YAML file of a project with a folder .agent')
    end
  end
  for _, client in ipairs(all) do
    local folder = client.config.root_dir
    say.ok(('%s: positions in %s'):format(folder or 'a folder', client.offset_encoding or 'utf-16'))
  end
  for _, folder in pairs(status.all()) do
    local name = vim.uri_to_fname(folder.uri)
    local words = ('%s: %s, %s'):format(name, status.words(folder), tell.count(folder.artifacts, 'artifact'))
    local problem = status.problem(folder)
    if folder.state == 'broken' or folder.state == 'signed-out' then
      local advice = folder.state == 'signed-out' and { ':Agent sign-in', 'or in a terminal: agent login' } or nil
      say.error(words .. (problem and (': ' .. problem) or ''), advice)
    elseif folder.state == 'offline' or folder.state == 'conflict' then
      say.warn(words .. (problem and (': ' .. problem) or ''))
    else
      say.ok(words)
    end
  end
end

--- `agent doctor` looks at everything outside of the editor, without asking a server.
local function doctor(path)
  local client = compat.clients()[1]
  local folder = client and client.config.root_dir
  if not path or not folder then
    return
  end
  say.start('agent doctor --offline')
  local said = vim.fn.system({ path, '-C', folder, '--color', 'never', 'doctor', '--offline' })
  local report = vim.v.shell_error == 0 and say.ok or say.warn
  report(vim.trim(said))
end

function M.check()
  editor()
  local path = program()
  servers()
  doctor(path)
end

return M
