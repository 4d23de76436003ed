-- The configuration of a Neovim under test: the plugin on the runtime path and nothing else. What the tests ask
-- comes in through `Asked`, as a JSON list of a chunk of Lua and its arguments.

local plugin = vim.env.AGENT_PLUGIN
vim.opt.runtimepath:append(plugin)
vim.o.swapfile = false
vim.o.shortmess = vim.o.shortmess .. 'I'
vim.cmd('filetype on')
-- 0.7 knows the type by the name alone, later ones by the contents as well.
vim.cmd('autocmd BufRead,BufNewFile *.md setfiletype markdown')

--- Everything that was said to the user.
_G.said = {}
local headless = #vim.api.nvim_list_uis() == 0 and vim.env.AGENT_HEADLESS == '1'
if headless then
  vim.notify = function(message)
    table.insert(_G.said, message)
  end

  --- Every menu is answered by the entry that begins with one of `_G.choices`; what was offered is kept.
  _G.choices = {}
  _G.offered = {}
  vim.ui.select = function(items, options, chosen)
    local format = options.format_item or tostring
    _G.offered = vim.tbl_map(format, items)
    for place, item in ipairs(items) do
      for _, choice in ipairs(_G.choices) do
        if vim.startswith(format(item), choice) then
          return chosen(item, place)
        end
      end
    end
    chosen(nil)
  end
end

local options = vim.json.decode(vim.env.AGENT_SETUP or '{}')
if vim.env.AGENT_CAPABILITIES then
  options.capabilities = vim.json.decode(vim.env.AGENT_CAPABILITIES)
end
if vim.env.AGENT_CMD then
  options.cmd = vim.json.decode(vim.env.AGENT_CMD)
end
if vim.env.AGENT_IS_SET_UP == 'true' then
  require('agent').setup(options)
end

function _G.Asked(request, file)
  local code, arguments = unpack(vim.json.decode(request))
  local answer = {}
  answer.ok, answer.result = pcall(assert(loadstring(code)), unpack(arguments))
  -- By a file: older versions print a long answer shortened, and replace what they cannot print.
  local out = assert(io.open(file, 'w'))
  out:write(vim.json.encode(answer))
  out:close()
  return 'answered'
end
