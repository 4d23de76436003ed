--- Edits that the server asks for. Neovim compares the version of an edit with its buffer's, but says that
--- it applied the edit either way, and does not declare that it compares. This does both.

local compat = require('agent.compat')

local M = {}

M.capabilities = { workspace = { workspaceEdit = { documentChanges = true } } }

--- The document that has moved on since the edit was made for it; nil when none has.
local function stale(edit)
  for _, change in ipairs(edit.documentChanges or {}) do
    local document = change.textDocument
    local version = document and document.version
    if version and version ~= vim.NIL then
      local buffer = vim.uri_to_bufnr(document.uri)
      if (compat.version(buffer) or 0) ~= version then
        return document.uri
      end
    end
  end
end

--- The handler of the request `workspace/applyEdit`.
function M.on_apply(failure, params, context, config)
  local uri = params and stale(params.edit)
  if uri then
    return { applied = false, failureReason = vim.uri_to_fname(uri) .. ' changed meanwhile' }
  end
  return vim.lsp.handlers['workspace/applyEdit'](failure, params, context, config)
end

return M
