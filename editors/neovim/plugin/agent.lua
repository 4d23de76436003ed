-- What is there without `setup`: commands, mappings to be mapped to, and what happens in buffers that
-- the server is attached to. Everything else is loaded when it is needed.

if vim.g.loaded_agent or vim.fn.has('nvim-0.7') == 0 then
  return
end
vim.g.loaded_agent = true

vim.api.nvim_create_user_command('Agent', function(command)
  require('agent.command').run(command)
end, {
  nargs = '+',
  desc = 'Sync with the team',
  complete = function(...)
    return require('agent.command').complete(...)
  end,
})

vim.api.nvim_create_user_command('AgentDiff', function(command)
  -- 0.7 makes one empty word out of none.
  require('agent.diff').open(command.args ~= '' and command.args or nil)
end, {
  nargs = '?',
  desc = "Base, buffer and the team's text side by side",
  complete = function(typed)
    return vim.tbl_filter(function(side)
      return vim.startswith(side, typed)
    end, { 'base', 'remote' })
  end,
})

local function plug(name, desc, run)
  vim.keymap.set('n', '<Plug>(agent-' .. name .. ')', run, { desc = desc })
end

plug('next', "Next of the team's changes", function()
  require('agent.walk').next()
end)
plug('previous', "Previous of the team's changes", function()
  require('agent.walk').previous()
end)
plug('diff', "Base, buffer and the team's text side by side", function()
  require('agent.diff').open()
end)
plug('actions', 'All that can be done here', function()
  require('agent.resolve').at_cursor()
end)
for _, take in ipairs({ 'local', 'remote', 'both' }) do
  plug('take-' .. take, 'Decide this hunk: ' .. take, function()
    require('agent.resolve').at_cursor(take)
  end)
end

local group = vim.api.nvim_create_augroup('agent', { clear = true })

local function on(event, pattern, run)
  vim.api.nvim_create_autocmd(event, { group = group, pattern = pattern, callback = run })
end

require('agent.marks').define_highlights()
on('ColorScheme', '*', function()
  require('agent.marks').define_highlights()
end)

on('User', 'AgentStatus', function()
  require('agent.attach').status_changed()
end)
on('User', 'AgentPresence', function()
  require('agent.attach').presence_changed()
end)

-- Older versions tell it when the client is started (agent.server).
if vim.fn.exists('##LspAttach') == 1 then
  local function is_ours(event)
    local client = event.data and vim.lsp.get_client_by_id(event.data.client_id)
    return client and client.name == require('agent.compat').NAME
  end
  on('LspAttach', '*', function(event)
    if is_ours(event) then
      require('agent.attach').attached(event.buf)
    end
  end)
  on('LspDetach', '*', function(event)
    if is_ours(event) then
      require('agent.attach').detached(event.buf)
    end
  end)
end
