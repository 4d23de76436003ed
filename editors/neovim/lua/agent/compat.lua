--- What differs between the versions of Neovim. No other module asks which one it runs in.

local M = {}

M.NAME = 'agent'

--- @param version string such as '0.11'
function M.has(version)
  return vim.fn.has('nvim-' .. version) == 1
end

--- The clients of this plugin's server: of a buffer, or all.
function M.clients(buffer)
  local all
  if vim.lsp.get_clients then
    all = vim.lsp.get_clients({ name = M.NAME, bufnr = buffer })
  elseif buffer then
    all = vim.tbl_values(vim.lsp.buf_get_clients(buffer))
  else
    all = vim.lsp.get_active_clients()
  end
  return vim.tbl_filter(function(client)
    return client.name == M.NAME
  end, all)
end

--- Sends a request; `answered(failure, result)` is called once.
function M.request(client, method, params, answered, buffer)
  local function once(failure, result)
    answered(failure, result)
  end
  if M.has('0.11') then
    return client:request(method, params, once, buffer)
  end
  return client.request(method, params, once, buffer)
end

function M.stop(client)
  if M.has('0.11') then
    return client:stop()
  end
  return client.stop()
end

--- The nearest folder above `path` that holds a folder `name`; nil when there is none.
function M.above(path, name)
  if vim.fs and vim.fs.find then
    local found = vim.fs.find(name, { path = path, upward = true, type = 'directory' })
    return found[1] and vim.fs.dirname(found[1]) or nil
  end
  local found = vim.fn.finddir(name, vim.fn.fnameescape(path) .. ';')
  return found ~= '' and vim.fn.fnamemodify(found, ':p:h:h') or nil
end

--- The version of a document that the server was told last.
function M.version(buffer)
  return vim.lsp.util.buf_versions[buffer]
end

--- A line above a window, where this version has one.
function M.set_winbar(window, text)
  if M.has('0.8') then
    -- What does not fit is cut off at the end.
    vim.wo[window].winbar = text:gsub('%%', '%%%%') .. '%<'
  end
end

--- The report functions of `:checkhealth`, by their present names.
function M.health()
  local health = vim.health or require('health')
  local function named(name)
    return health[name] or health['report_' .. name]
  end
  return { start = named('start'), ok = named('ok'), info = named('info'), warn = named('warn'), error = named('error') }
end

return M
