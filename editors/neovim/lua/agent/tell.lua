--- Messages to the user, and the words of the plugin's own.

local M = {}

function M.info(message)
  vim.notify('agent: ' .. message, vim.log.levels.INFO)
end

function M.warn(message)
  vim.notify('agent: ' .. message, vim.log.levels.WARN)
end

function M.error(message)
  vim.notify('agent: ' .. message, vim.log.levels.ERROR)
end

--- ContentModified of the protocol.
local STALE = -32801

--- What a request failed with.
function M.failure(failure)
  if failure.code == STALE then
    return M.warn('the text or the team\'s version changed meanwhile; nothing was done. Look again')
  end
  M.error(failure.message or vim.inspect(failure))
end

function M.count(n, noun)
  return ('%d %s%s'):format(n, noun, n == 1 and '' or 's')
end

--- JSON's null comes as a value of its own.
function M.present(value)
  if value == vim.NIL then
    return nil
  end
  return value
end

local UNITS = { { 86400, 'day' }, { 3600, 'hour' }, { 60, 'minute' } }

--- How long ago a time in ms since the Unix epoch was.
function M.age(at, now)
  local seconds = (now or os.time()) - math.floor(at / 1000)
  for _, unit in ipairs(UNITS) do
    if seconds >= unit[1] then
      return M.count(math.floor(seconds / unit[1]), unit[2]) .. ' ago'
    end
  end
  return 'just now'
end

return M
