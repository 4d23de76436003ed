-- :Telescope agent, after require('telescope').load_extension('agent')
local function artifacts(options)
  require('agent.pick').artifacts(options and options.kind, function(found)
    require('agent.telescope').pick(found, options)
  end)
end

return require('telescope').register_extension({ exports = { agent = artifacts, artifacts = artifacts } })
