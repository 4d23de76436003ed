--- The list of artifacts in Telescope, with their files beside it.

local pick = require('agent.pick')

local M = {}

local function entry(artifact)
  return { value = artifact, display = pick.words(artifact), ordinal = pick.words(artifact), path = pick.file(artifact) }
end

--- @param artifacts table as `agent/artifacts` answers them
function M.pick(artifacts, options)
  local config = require('telescope.config').values
  local actions, state = require('telescope.actions'), require('telescope.actions.state')
  options = options or {}
  require('telescope.pickers')
    .new(options, {
      prompt_title = 'Artifacts',
      finder = require('telescope.finders').new_table({ results = artifacts, entry_maker = entry }),
      sorter = config.generic_sorter(options),
      previewer = config.file_previewer(options),
      attach_mappings = function(prompt)
        actions.select_default:replace(function()
          local chosen = state.get_selected_entry()
          actions.close(prompt)
          if chosen then
            pick.open(chosen.value)
          end
        end)
        return true
      end,
    })
    :find()
end

return M
