--- Which project a buffer belongs to: the nearest folder with a folder `.agent`, from its file upwards.

local compat = require('agent.compat')

local M = {}

function M.of(buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  if vim.bo[buffer].buftype ~= '' or file == '' or file:match('^%a[%w+.-]+://') then
    return nil
  end
  return compat.above(vim.fn.fnamemodify(file, ':p:h'), '.agent')
end

return M
