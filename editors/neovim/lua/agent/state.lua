--- Where an artifact's state stands: `Status: X`, `State: X`, under a heading of that name, or in front
--- matter. The server decides; this only finds the line to ask about.

local M = {}

local function is_state_line(text)
  local word = text:lower():gsub('^[%s#*_|>%-]*', ''):match('^(%a+)')
  return word == 'state' or word == 'status'
end

--- The line of the state in the current buffer, counted from 1; the first where none is found.
local function line_of_state()
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  for n, text in ipairs(lines) do
    if is_state_line(text) then
      local is_heading = text:match('^#') ~= nil
      local below = n + 1
      while is_heading and lines[below] == '' do
        below = below + 1
      end
      return is_heading and math.min(below, #lines) or n
    end
  end
  return 1
end

--- Does something with the cursor at the state, and puts it back.
function M.at_state(run)
  local place = vim.api.nvim_win_get_cursor(0)
  vim.api.nvim_win_set_cursor(0, { line_of_state(), 0 })
  run()
  vim.api.nvim_win_set_cursor(0, place)
end

return M
