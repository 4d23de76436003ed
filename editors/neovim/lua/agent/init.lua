--- Starts `agent lsp` for the files of a project that has a folder `.agent`. See doc/agent.txt.

local M = {}

--- Starts the server where it is needed. See |agent-setup|.
function M.setup(options)
  local tell = require('agent.tell')
  if vim.fn.has('nvim-0.7') == 0 then
    return tell.error('Neovim 0.7 or newer is needed')
  end
  local unknown = require('agent.options').set(options)
  if #unknown > 0 then
    tell.warn('setup: unknown ' .. table.concat(unknown, ', '))
  end
  local program = require('agent.options').get().cmd[1]
  if vim.fn.executable(program) == 0 then
    tell.warn(('the program %s was not found; say where it is: setup{ cmd = { "…/agent", "lsp" } }'):format(program))
  end
  require('agent.server').enable()
end

--- For a statusline: "agent: 1 in conflict", or nothing where no folder is synced.
function M.status()
  return require('agent.status').line()
end

--- The last status of each folder, as docs/lsp-extensions.md has it.
function M.statuses()
  return require('agent.status').all()
end

--- Who else has the artifact of a buffer open, the current one if none is given: "bob, eve".
function M.here(buffer)
  return require('agent.status').here(buffer)
end

return M
