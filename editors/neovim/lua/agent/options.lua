--- What can be set, and what holds where nothing is.

local M = {}

M.defaults = {
  cmd = { 'agent', 'lsp' },
  env = nil, -- environment variables for the server
  filetypes = { 'markdown', 'yaml' },
  on_attach = nil,
  capabilities = nil, -- added to the editor's own
  signs = { remote = '▎', conflict = '▌' }, -- or false
  virtual_text = true,
  codelens = true,
  picker = nil, -- 'telescope' or 'select'; Telescope where it is, unless said
}

local chosen = M.defaults

--- Replaces what was set before. Answers the names it does not know.
function M.set(options)
  local unknown = {}
  for name in pairs(options or {}) do
    if not vim.tbl_contains(M.names, name) then
      table.insert(unknown, name)
    end
  end
  chosen = vim.tbl_extend('force', M.defaults, options or {})
  table.sort(unknown)
  return unknown
end

function M.get()
  return chosen
end

--- A table cannot hold the names of what is unset.
M.names = { 'cmd', 'env', 'filetypes', 'on_attach', 'capabilities', 'signs', 'virtual_text', 'codelens', 'picker' }

return M
