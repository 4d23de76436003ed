--- The list of artifacts, to open one: by Telescope where it is, else by `vim.ui.select`.

local compat = require('agent.compat')
local options = require('agent.options')
local tell = require('agent.tell')

local M = {}

--- A title without the id that it begins with: that stands before it already.
local function bare_title(artifact)
  local title, id = tell.present(artifact.title) or '', artifact.id
  return vim.startswith(title, id) and title:sub(#id + 1):gsub('^[%s:–—-]+', '') or title
end

--- One line of the list.
function M.words(artifact)
  local parts = { ('%-8s %-14s %s'):format(artifact.kind, artifact.id, bare_title(artifact)) }
  local state = tell.present(artifact.state)
  if state then
    table.insert(parts, '[' .. state .. ']')
  end
  if artifact.status ~= 'in-sync' then
    table.insert(parts, artifact.status)
  end
  if #(artifact.people or {}) > 0 then
    table.insert(parts, '(' .. table.concat(artifact.people, ', ') .. ')')
  end
  return table.concat(parts, '  ')
end

local function in_order(one, other)
  if one.kind ~= other.kind then
    return one.kind < other.kind
  end
  return one.id < other.id
end

--- `answered(artifacts)` hears of the artifacts of all folders, those of a kind if one is named.
function M.artifacts(kind, answered)
  local clients, all, left = compat.clients(), {}, 0
  if #clients == 0 then
    return tell.warn('no server is running; open a file of a project with a folder .agent')
  end
  left = #clients
  for _, client in ipairs(clients) do
    compat.request(client, 'agent/artifacts', vim.empty_dict(), function(failure, folders)
      left = left - 1
      if failure then
        tell.failure(failure)
      end
      for _, folder in ipairs(folders or {}) do
        for _, artifact in ipairs(folder.artifacts) do
          if not kind or artifact.kind == kind then
            table.insert(all, artifact)
          end
        end
      end
      if left == 0 then
        table.sort(all, in_order)
        answered(all)
      end
    end)
  end
end

--- The file of an artifact; nil when it has none here.
function M.file(artifact)
  local uri = tell.present(artifact.uri)
  return uri and vim.uri_to_fname(uri)
end

function M.open(artifact)
  local file = M.file(artifact)
  if not file then
    return tell.info(('%s %s has no file here'):format(artifact.kind, artifact.id))
  end
  vim.cmd('edit ' .. vim.fn.fnameescape(file))
end

local function select(artifacts)
  vim.ui.select(artifacts, { prompt = 'Artifacts', format_item = M.words, kind = 'agent' }, function(chosen)
    if chosen then
      M.open(chosen)
    end
  end)
end

--- Which picker is used: what was chosen, else Telescope if it can be loaded.
function M.picker()
  local wanted = options.get().picker
  if wanted ~= 'select' and pcall(require, 'telescope') then
    return 'telescope'
  end
  return 'select'
end

function M.pick(kind)
  M.artifacts(kind, function(artifacts)
    if #artifacts == 0 then
      return tell.info('no artifacts' .. (kind and (' of the kind ' .. kind) or ''))
    end
    if M.picker() == 'telescope' then
      return require('agent.telescope').pick(artifacts)
    end
    select(artifacts)
  end)
end

return M
