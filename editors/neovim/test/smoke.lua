-- Tries the plugin with the real server on a workspace that is set up and signed in, as
-- `cargo demo --keep` leaves two of them. In the environment that it names for one of them:
--
--   AGENT=target/debug/agent FILE=<an artifact's file> \
--   OTHER_WORKSPACE=<the other folder> OTHER_HOME=<the other's AGENT_HOME> \
--     nvim --headless -u NONE -i NONE -n -S editors/neovim/test/smoke.lua
--
-- Without the OTHER_ variables only starting, status and commands are tried; with them a conflict is
-- made with the other's command line and resolved here. Prints a line per check; exits with 1 at the
-- first that fails. It changes the artifact.

local here = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h:h')
local agent = vim.env.AGENT and vim.fn.fnamemodify(vim.env.AGENT, ':p') or 'agent'
local file = assert(vim.env.FILE, 'FILE names no artifact')
vim.opt.runtimepath:prepend(here)

local function say(text)
  io.stdout:write(text .. '\n')
  io.stdout:flush()
end

local function fail(text)
  say('FAILED: ' .. text)
  vim.cmd('cquit 1')
end

local function must(what, holds)
  local ok, met = pcall(vim.wait, 15000, holds, 50)
  if not ok or not met then
    local seen = vim.tbl_map(function(d)
      return d.message
    end, vim.diagnostic.get(0))
    fail(what .. ' ' .. vim.inspect(seen) .. ' ' .. require('agent').status())
  end
  say('ok: ' .. what)
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n') .. '\n'
end

local function diagnostic(code)
  for _, found in ipairs(vim.diagnostic.get(0)) do
    if found.code == code then
      return found
    end
  end
end

local function main()
  local version = vim.version()
  say(('Neovim %d.%d.%d'):format(version.major, version.minor, version.patch))
  vim.cmd('filetype on')
  require('agent').setup({ cmd = { agent, 'lsp' } })
  vim.cmd('edit ' .. vim.fn.fnameescape(file))
  if vim.bo.filetype == '' then
    vim.bo.filetype = 'markdown'
  end
  must('the server has told its status', function()
    return require('agent').status() ~= ''
  end)
  must('in sync', function()
    return require('agent').status() == 'agent: in sync'
  end)
  local verbs = vim.fn.getcompletion('Agent ', 'cmdline')
  must('completion of verbs', function()
    return table.concat(verbs, ' ') == 'compare pull push resolve status'
  end)
  must('completion of choices', function()
    return vim.tbl_contains(vim.fn.getcompletion('Agent resolve all', 'cmdline'), 'all-local')
  end)
  for _, verb in ipairs({ 'push', 'pull', 'status' }) do
    vim.cmd('Agent ' .. verb)
  end

  local other, home = vim.env.OTHER_WORKSPACE, vim.env.OTHER_HOME
  if not other or not home then
    return say('ok: no other side was named, so no conflict was tried')
  end
  local root = vim.fs.dirname(vim.fs.find('.agent', { path = vim.fs.dirname(vim.fn.fnamemodify(file, ':p')), upward = true })[1])
  local theirs = other .. vim.fn.fnamemodify(file, ':p'):sub(#root + 1)
  local function there(verb)
    local said = vim.fn.system({ 'env', 'AGENT_HOME=' .. home, agent, '-C', other, 'sync', verb })
    return vim.v.shell_error == 0 or fail('there: ' .. said)
  end
  local function append(lines)
    local all = vim.fn.readfile(theirs)
    vim.list_extend(all, lines)
    vim.fn.writefile(all, theirs)
  end

  -- Two hunks that both will change, with a wide character before what is looked at.
  there('pull')
  append({ '', 'First: é𝄞 one.', '', 'Between.', '', 'Second: é𝄞 two.' })
  there('push')
  must('the remote change is shown', function()
    return diagnostic('behind')
  end)
  vim.cmd('normal! G')
  vim.cmd('Agent resolve remote')
  must('Accept remote version', function()
    return text():find('Second: é𝄞 two.', 1, true)
  end)
  vim.cmd('silent write')
  must('nothing is left', function()
    return #vim.diagnostic.get(0) == 0 and require('agent').status() == 'agent: in sync'
  end)

  local before = text()
  local mine = before:gsub('𝄞 one%.', '𝄞 one, here.'):gsub('𝄞 two%.', '𝄞 two, here.')
  vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(mine:sub(1, -2), '\n'))
  vim.fn.writefile(vim.split(before:sub(1, -2):gsub('𝄞 one%.', '𝄞 one, there.'):gsub('𝄞 two%.', '𝄞 two, there.'), '\n'), theirs)
  there('push')
  must('two conflicts', function()
    return #vim.tbl_filter(function(found)
      return found.code == 'conflict'
    end, vim.diagnostic.get(0)) == 2
  end)
  say(diagnostic('conflict').message)
  local function to(pattern)
    vim.fn.cursor(1, 1)
    if vim.fn.search(pattern) == 0 then
      fail('no ' .. pattern)
    end
  end
  to('^First: ')
  local window = vim.api.nvim_get_current_win()
  local buffer = vim.api.nvim_get_current_buf()
  vim.cmd('Agent compare')
  must('the differences are shown', function()
    for _, shown in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(shown)):find('%.diff$') then
        return true
      end
    end
  end)
  vim.api.nvim_win_set_buf(window, buffer)
  vim.api.nvim_set_current_win(window)
  to('^First: ')
  vim.cmd('Agent resolve remote')
  must('accepted', function()
    return text():find('First: é𝄞 one, there.', 1, true)
  end)
  to('^Second: ')
  must('one conflict is left', function()
    return diagnostic('conflict') and #vim.diagnostic.get(0) == 1
  end)
  vim.cmd('Agent resolve local')
  must('kept', function()
    return #vim.diagnostic.get(0) == 0
  end)
  vim.cmd('silent write')
  must('in sync again', function()
    return require('agent').status() == 'agent: in sync'
  end)
  must('both files are the same', function()
    there('pull')
    return table.concat(vim.fn.readfile(theirs), '\n') == table.concat(vim.fn.readfile(file), '\n')
  end)
  must('each with what was chosen', function()
    local chosen = text()
    return chosen:find('one, there.', 1, true) and chosen:find('two, here.', 1, true)
  end)
end

local ok, problem = xpcall(main, debug.traceback)
if not ok then
  fail(problem)
end
vim.cmd('qall!')
