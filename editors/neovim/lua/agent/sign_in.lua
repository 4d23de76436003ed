--- Signing in and out. A code comes by mail and is typed here; no password is: those are for `agent login`.

local ask = require('agent.ask')
local tell = require('agent.tell')

local M = {}

local function with_code(client, uri, email)
  ask.execute(client, 'agent.signIn', { { method = 'code', email = email, uri = uri } }, function(answer)
    local sent_to = answer and answer.sentTo or email
    vim.ui.input({ prompt = 'The code sent to ' .. sent_to .. ': ' }, function(code)
      if not code or code == '' then
        return
      end
      -- Success is the server's own message.
      ask.execute(client, 'agent.submitCode', { { email = email, code = vim.trim(code), uri = uri } })
    end)
  end)
end

local WAYS = { 'A code by mail', 'The browser' }

--- @param email string|nil with one, a code is sent to it at once
function M.sign_in(email)
  local buffer = vim.api.nvim_get_current_buf()
  local client = ask.own(buffer)
  if not client then
    return
  end
  local uri = vim.uri_from_bufnr(buffer)
  if email then
    return with_code(client, uri, email)
  end
  vim.ui.select(WAYS, { prompt = 'Sign in with', kind = 'agent' }, function(way)
    if way == WAYS[1] then
      vim.ui.input({ prompt = 'Mail address: ' }, function(address)
        if address and address ~= '' then
          with_code(client, uri, address)
        end
      end)
    elseif way == WAYS[2] then
      ask.execute(client, 'agent.signIn', { { uri = uri } })
    end
  end)
end

function M.sign_out()
  local buffer = vim.api.nvim_get_current_buf()
  local client = ask.own(buffer)
  if client then
    ask.execute(client, 'agent.signOut', { { uri = vim.uri_from_bufnr(buffer) } }, function()
      tell.info('signed out')
    end)
  end
end

return M
