-- For vim.lsp.enable('agent'), on Neovim 0.11 and newer.
return require('agent.server').config()
