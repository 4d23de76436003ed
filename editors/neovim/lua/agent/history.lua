--- What happened to an artifact, and going back.

local ask = require('agent.ask')
local compat = require('agent.compat')
local tell = require('agent.tell')

local M = {}

--- Has the server ask which of the earlier texts comes into the buffer.
function M.restore()
  ask.act(function(action)
    return action.name == 'agent.restore'
  end, 'nothing to go back to', 'source')
end

--- Takes the last merge, choice or restoration back, or back again.
function M.undo()
  ask.act(function(action)
    return action.name == 'agent.undo'
  end, 'nothing to take back', 'source')
end

--- One line of the list.
local function words(entry)
  local parts = { ('%-14s %s'):format(tell.age(entry.at), entry.cause) }
  local author = tell.present(entry.author)
  if author then
    table.insert(parts, 'by ' .. author)
  end
  local before, after = tell.present(entry.before.version), tell.present(entry.after.version)
  if after and after ~= before then
    table.insert(parts, before and ('version %d → %d'):format(before, after) or ('version %d'):format(after))
  end
  return table.concat(parts, '  ')
end

local WAYS = { 'Compare with the buffer', 'Bring it into the buffer' }

--- Asks what to do with the text that there was after an entry.
local function go_to(client, buffer, entry)
  local content = tell.present(entry.after.content)
  if not content or not entry.restorable then
    return tell.info(content and 'this text is not on this machine any more' or 'there was no file then')
  end
  vim.ui.select(WAYS, { prompt = words(entry), kind = 'agent' }, function(way)
    if way == WAYS[1] then
      require('agent.diff').open_earlier(content)
    elseif way == WAYS[2] then
      local params = { uri = vim.uri_from_bufnr(buffer), version = compat.version(buffer), content = content }
      ask.execute(client, 'agent.restore', { params })
    end
  end)
end

--- Lists what happened to the artifact of this buffer, newest first, to go back to.
function M.show()
  local buffer = vim.api.nvim_get_current_buf()
  local client = ask.own(buffer)
  if not client then
    return
  end
  compat.request(client, 'agent/history', { uri = vim.uri_from_bufnr(buffer) }, function(failure, entries)
    if failure then
      return tell.failure(failure)
    elseif #(tell.present(entries) or {}) == 0 then
      return tell.info('nothing has happened to this yet')
    end
    vim.ui.select(entries, { prompt = 'History', format_item = words, kind = 'agent' }, function(entry)
      if entry then
        go_to(client, buffer, entry)
      end
    end)
  end, buffer)
end

return M
