--- The words behind `:Agent`, each with what it does and what it completes to.

local ask = require('agent.ask')
local compat = require('agent.compat')
local status = require('agent.status')
local tell = require('agent.tell')

local function saying(words)
  return function()
    tell.info(words)
  end
end

local function sorted_keys(of)
  local keys = vim.tbl_keys(of)
  table.sort(keys)
  return keys
end

local KINDS = { 'adr', 'journey', 'plan', 'runbook', 'story' }
local NEW_KINDS = { 'adr', 'plan', 'runbook', 'story' }

local function new(kind, ...)
  if not kind then
    return tell.error('new: of which kind? ' .. table.concat(NEW_KINDS, ', '))
  end
  local buffer = vim.api.nvim_get_current_buf()
  local client = compat.clients(buffer)[1] or compat.clients()[1]
  if not client then
    return ask.own(buffer)
  end
  local here = compat.clients(buffer)[1] and vim.uri_from_bufnr(buffer) or nil
  local function make(title)
    if title and title ~= '' then
      ask.execute(client, 'agent.new', { { kind = kind, uri = here, title = title } })
    end
  end
  local title = table.concat({ ... }, ' ')
  if title ~= '' then
    return make(title)
  end
  vim.ui.input({ prompt = 'Title of the new ' .. kind .. ': ' }, make)
end

local function set_state(...)
  local name = table.concat({ ... }, ' ')
  local function is_one(action)
    return action.name == 'agent.setState' and (name == '' or action.argument.state == name)
  end
  -- The states are offered at the state's line, wherever the cursor is.
  require('agent.state').at_state(function()
    if name == '' then
      return ask.offer('State', is_one, 'no state may follow for you, or this artifact names none')
    end
    ask.act(is_one, name .. ' may not follow for you')
  end)
end

local function show_status()
  if #compat.clients() == 0 then
    return tell.info('no server is running')
  end
  status.ask(function(lines)
    tell.info(#lines > 0 and table.concat(lines, '\n') or 'nothing is synced yet')
  end)
end

local function who()
  local people = status.people()
  tell.info(#people > 0 and table.concat(people, '\n') or 'nobody else has an artifact open')
end

local function compare()
  local buffer = vim.api.nvim_get_current_buf()
  local client = ask.own(buffer)
  if client then
    ask.execute(client, 'agent.compare', { { uri = vim.uri_from_bufnr(buffer) } })
  end
end

local function restart()
  require('agent.server').restart(function(buffers)
    tell.info('started anew for ' .. tell.count(#buffers, 'buffer'))
  end)
end

--- Each with `run(...)`, and `complete` where it takes words of a list.
return {
  artifacts = {
    run = function(kind)
      require('agent.pick').pick(kind)
    end,
    complete = KINDS,
  },
  compare = { run = compare },
  diff = {
    run = function(side)
      require('agent.diff').open(side)
    end,
    complete = { 'base', 'remote' },
  },
  health = {
    run = function()
      vim.cmd('checkhealth agent')
    end,
  },
  history = {
    run = function()
      require('agent.history').show()
    end,
  },
  log = {
    run = function()
      vim.cmd('tab split ' .. vim.fn.fnameescape(vim.lsp.get_log_path()))
    end,
  },
  move = {
    run = function(word)
      require('agent.resolve').move(word or 'remote')
    end,
    complete = { 'local', 'remote' },
  },
  new = { run = new, complete = NEW_KINDS },
  next = {
    run = function()
      require('agent.walk').next()
    end,
  },
  previous = {
    run = function()
      require('agent.walk').previous()
    end,
  },
  pull = {
    run = function()
      ask.execute_everywhere('agent.pull', saying('pulling'))
    end,
  },
  push = {
    run = function()
      ask.execute_everywhere('agent.push', saying('pushing'))
    end,
  },
  resolve = {
    run = function(word)
      if ask.own(vim.api.nvim_get_current_buf()) then
        require('agent.resolve').at_cursor(word)
      end
    end,
    complete = sorted_keys(require('agent.resolve').TAKES),
  },
  restart = { run = restart },
  restore = {
    run = function()
      require('agent.history').restore()
    end,
  },
  ['sign-in'] = {
    run = function(email)
      require('agent.sign_in').sign_in(email)
    end,
  },
  ['sign-out'] = {
    run = function()
      require('agent.sign_in').sign_out()
    end,
  },
  state = { run = set_state },
  status = { run = show_status },
  undo = {
    run = function()
      require('agent.history').undo()
    end,
  },
  who = { run = who },
}
