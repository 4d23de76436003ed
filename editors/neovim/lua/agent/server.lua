--- How the server is started for the files of a project: by `vim.lsp.enable` on Neovim 0.11 and newer,
--- by file type on older ones.

local compat = require('agent.compat')
local edits = require('agent.edits')
local options = require('agent.options')
local root = require('agent.root')
local status = require('agent.status')

local M = {}

local function capabilities(more)
  local own = { experimental = { agentStatus = true, agentPresence = true } }
  return vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), edits.capabilities, more or {}, own)
end

--- What the editor needs to know to start the server, of everything but the file types and the root.
local function client_config(chosen)
  return {
    name = compat.NAME,
    cmd = chosen.cmd,
    cmd_env = chosen.env,
    capabilities = capabilities(chosen.capabilities),
    handlers = {
      ['agent/status'] = status.on_status,
      ['agent/presence'] = status.on_presence,
      ['workspace/applyEdit'] = edits.on_apply,
    },
    on_exit = status.on_exit,
  }
end

--- For `vim.lsp.config`; lsp/agent.lua answers it.
function M.config()
  local chosen = options.get()
  local config = client_config(chosen)
  config.filetypes = chosen.filetypes
  config.on_attach = chosen.on_attach
  config.root_dir = function(buffer, found)
    local folder = root.of(buffer)
    if folder then
      found(folder)
    end
  end
  return config
end

--- 0.7 starts no client by itself, and tells nobody when one attaches.
local started = {}

local function start_plain(config, folder, buffer)
  local client = started[folder]
  if not client or not vim.lsp.get_client_by_id(client) or vim.lsp.client_is_stopped(client) then
    client = vim.lsp.start_client(config)
    started[folder] = client
  end
  if client then
    vim.lsp.buf_attach_client(buffer, client)
  end
end

local function start(buffer)
  local folder = root.of(buffer)
  if not folder then
    return
  end
  local chosen = options.get()
  local config = client_config(chosen)
  config.root_dir = folder
  config.workspace_folders = { { uri = vim.uri_from_fname(folder), name = folder } }
  config.on_attach = function(client, attached)
    if not compat.has('0.8') then
      require('agent.attach').attached(attached)
    end
    if chosen.on_attach then
      chosen.on_attach(client, attached)
    end
  end
  if not vim.lsp.start then
    return start_plain(config, folder, buffer)
  end
  vim.api.nvim_buf_call(buffer, function()
    vim.lsp.start(config)
  end)
end

local function start_everywhere(filetypes)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.tbl_contains(filetypes, vim.bo[buffer].filetype) then
      start(buffer)
    end
  end
end

--- Starts the server where it is needed from now on.
function M.enable()
  if vim.lsp.config and vim.lsp.enable then
    vim.lsp.config(compat.NAME, M.config())
    return vim.lsp.enable(compat.NAME)
  end
  local filetypes = options.get().filetypes
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('agent_server', { clear = true }),
    pattern = filetypes,
    callback = function(event)
      start(event.buf)
    end,
  })
  start_everywhere(filetypes)
end

local function start_in(buffers)
  for _, buffer in ipairs(buffers) do
    if vim.api.nvim_buf_is_valid(buffer) then
      vim.api.nvim_buf_call(buffer, function()
        vim.cmd('silent doautocmd <nomodeline> FileType ' .. vim.bo[buffer].filetype)
      end)
    end
  end
end

--- Ends the servers and starts them anew once they are gone; they may have something to send before. `done(buffers)` is
--- called then.
function M.restart(done)
  local buffers = {}
  for _, client in ipairs(compat.clients()) do
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      if vim.lsp.buf_is_attached(buffer, client.id) then
        table.insert(buffers, buffer)
      end
    end
    compat.stop(client)
  end
  local timer = vim.loop.new_timer()
  timer:start(0, 20, vim.schedule_wrap(function()
    if #compat.clients() > 0 or timer:is_closing() then
      return
    end
    timer:close()
    start_in(buffers)
    done(buffers)
  end))
end

return M
