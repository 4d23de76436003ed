--- The three-way view: base, buffer and the team's text side by side, in a tab page of their own. All but the
--- buffer are read-only scratch buffers, filled from `agent/text`; base and remote follow what the team does. The
--- same with an earlier text beside the buffer.

local ask = require('agent.ask')
local compat = require('agent.compat')
local tell = require('agent.tell')

local M = {}

M.SIDES = { 'base', 'remote' }

--- By tab page: the document's buffer, and by name the scratch buffer of each side with what it asks for.
local views = {}

local function set_lines(buffer, text)
  local lines = vim.split(text, '\n', { plain = true })
  -- A buffer's last line ends without saying so.
  if lines[#lines] == '' then
    table.remove(lines)
  end
  for n, line in ipairs(lines) do
    lines[n] = line:gsub('\r$', '')
  end
  if vim.deep_equal(lines, vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) then
    return
  end
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
end

local ABSENT = { base = '(new on both sides)', remote = '(deleted by the team)' }

local function title(side, answer)
  local words = { side }
  local version, author, at = tell.present(answer.version), tell.present(answer.author), tell.present(answer.at)
  if version then
    table.insert(words, 'version ' .. version)
  end
  if author then
    table.insert(words, 'by ' .. author)
  end
  if at then
    table.insert(words, tell.age(at))
  end
  if not tell.present(answer.text) then
    table.insert(words, ABSENT[side] or '(there was none)')
  end
  return table.concat(words, ' ')
end

--- `answered(text, title)` with what a side holds. `asked` says which text it is, as `agent/text` takes it.
local function text_of(client, buffer, side, asked, answered)
  local params = vim.tbl_extend('force', { uri = vim.uri_from_bufnr(buffer) }, asked)
  compat.request(client, 'agent/text', params, function(failure, answer)
    if failure then
      return tell.failure(failure)
    end
    answered(tell.present(answer.text) or '', title(side, answer))
  end, buffer)
end

local function close()
  if #vim.api.nvim_list_tabpages() > 1 then
    vim.cmd('tabclose')
  end
end

local function scratch(buffer, side)
  -- Listed, since `:diffget` finds no others by their names; closing the window wipes it out.
  local made = vim.api.nvim_create_buf(true, true)
  vim.bo[made].bufhidden = 'wipe'
  vim.bo[made].swapfile = false
  vim.bo[made].modifiable = false
  pcall(vim.api.nvim_buf_set_name, made, ('agent://%s/%d/%s'):format(side, made, vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ':t')))
  -- For colours alone: the file type would start servers on it.
  vim.bo[made].syntax = vim.bo[buffer].filetype
  vim.keymap.set('n', 'q', close, { buffer = made, desc = 'Close the view' })
  return made
end

local function label(made, words)
  for _, window in ipairs(vim.fn.win_findbuf(made)) do
    compat.set_winbar(window, words)
  end
end

local function fill(tab)
  local view = views[tab]
  local client = compat.clients(view.buffer)[1]
  if not client then
    return
  end
  for side, shown in pairs(view.sides) do
    text_of(client, view.buffer, side, shown.asked, function(text, words)
      if vim.api.nvim_buf_is_valid(shown.buffer) then
        set_lines(shown.buffer, text)
        label(shown.buffer, words)
        vim.cmd('silent! diffupdate')
      end
    end)
  end
end

--- What is not open any more is forgotten.
local function living()
  for tab in pairs(views) do
    if not vim.api.nvim_tabpage_is_valid(tab) then
      views[tab] = nil
    end
  end
  return views
end

--- Fills the open views of a buffer again: the team's text may have moved, or what was decided the base.
function M.refresh(buffer)
  for tab, view in pairs(living()) do
    if view.buffer == buffer then
      fill(tab)
    end
  end
end

--- A window for a side, left or right of the present one.
local function beside(buffer, side, asked, where)
  local made = scratch(buffer, side)
  vim.cmd(where .. ' vertical sbuffer ' .. made)
  vim.cmd('diffthis')
  return { buffer = made, asked = asked }
end

--- Opens a tab page with the buffer in the middle; `left` and `right` are each nil or `{ side, asked }`.
local function open(left, right)
  local buffer, place = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)
  if not ask.own(buffer) then
    return
  end
  vim.cmd('tab split')
  local window = vim.api.nvim_get_current_win()
  vim.cmd('diffthis')
  local sides = {}
  for where, shown in pairs({ leftabove = left, rightbelow = right }) do
    sides[shown[1]] = beside(buffer, shown[1], shown[2], where)
    vim.api.nvim_set_current_win(window)
  end
  vim.cmd('wincmd =')
  vim.api.nvim_win_set_cursor(window, place)
  compat.set_winbar(window, 'yours')
  local tab = vim.api.nvim_get_current_tabpage()
  views[tab] = { buffer = buffer, sides = sides }
  fill(tab)
end

--- All three, or the buffer beside one of `base` and `remote`.
function M.open(side)
  if side and not vim.tbl_contains(M.SIDES, side) then
    return tell.error('diff ' .. side .. ': base or remote')
  end
  local base, remote = { 'base', { side = 'base' } }, { 'remote', { side = 'remote' } }
  open(side ~= 'remote' and base or nil, side ~= 'base' and remote or nil)
end

--- An earlier text, by its content's hash, beside the buffer.
function M.open_earlier(content)
  open({ 'earlier', { content = content } }, nil)
end

return M
