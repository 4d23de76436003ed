--- The command `:Agent`: its words, and what completes them. What they do is in `agent.verbs`.

local tell = require('agent.tell')

local M = {}

local function starting_with(typed, all)
  local fitting = vim.tbl_filter(function(word)
    return vim.startswith(word, typed)
  end, all)
  table.sort(fitting)
  return fitting
end

--- @param typed string what stands before the cursor of the word that is completed
--- @param line string the whole command line
--- @param at number|nil the cursor in it
function M.complete(typed, line, at)
  local verbs = require('agent.verbs')
  local before = vim.split(vim.trim(line:sub(1, (at or #line) - #typed)), '%s+')
  if #before == 1 then
    return starting_with(typed, vim.tbl_keys(verbs))
  end
  local verb = verbs[before[2]]
  return #before == 2 and verb and verb.complete and starting_with(typed, verb.complete) or {}
end

--- @param command table as nvim_create_user_command hands it over
function M.run(command)
  local verb = require('agent.verbs')[command.fargs[1]]
  if not verb then
    return tell.error(command.fargs[1] .. ': no such command; :Agent completes them')
  end
  verb.run(unpack(command.fargs, 2))
end

return M
