--- Deciding at the cursor: one choice of the server's code actions, without the menu.

local ask = require('agent.ask')
local tell = require('agent.tell')

local M = {}

--- What can be taken: the action's `take`, and whether it is for the hunk at the cursor.
M.TAKES = {
  ['local'] = { take = 'local', hunk = true },
  ['remote'] = { take = 'remote', hunk = true },
  ['both'] = { take = 'local-then-remote', hunk = true },
  ['both-remote-first'] = { take = 'remote-then-local', hunk = true },
  ['all-local'] = { take = 'all-local' },
  ['all-remote'] = { take = 'all-remote' },
  ['merge'] = { take = 'incoming' },
}

local function is_for(wanted, action)
  if action.name ~= 'agent.resolve' or action.argument.take ~= wanted.take then
    return false
  end
  -- What the remote deleted has no hunks: there `local` and `remote` are for the whole file.
  return not wanted.hunk or action.argument.hunk ~= nil or wanted.take == 'local' or wanted.take == 'remote'
end

--- Without a word: all that can be done at the cursor. With one: that, at once.
function M.at_cursor(word)
  if not word then
    return vim.lsp.buf.code_action()
  end
  local wanted = M.TAKES[word]
  if not wanted then
    return tell.error('resolve ' .. word .. ': no such choice')
  end
  local otherwise = wanted.hunk and 'nothing to decide on this line' or 'nothing to decide in this buffer'
  ask.act(function(action)
    return is_for(wanted, action)
  end, otherwise)
end

--- A file that the team moved.
function M.move(word)
  ask.act(function(action)
    return action.name == 'agent.move' and action.argument.take == word
  end, 'the team has not moved this file')
end

return M
