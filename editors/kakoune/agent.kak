# `agent lsp` in Kakoune, through kakoune-lsp. In kakrc:
#
#     eval %sh{kak-lsp}
#     source /path/to/editors/kakoune/agent.kak
#
# Starts in projects that have a folder .agent, and leaves Markdown elsewhere as it is. Binds no key.

declare-option -docstring 'The language server of agent, as a shell finds it' str agent_command agent

hook -group agent global BufSetOption filetype=(?:markdown|yaml) %{
    evaluate-commands %sh{
        root=$(dirname -- "$kak_buffile")
        while [ ! -d "$root/.agent" ]; do
            case $root in /|.) exit ;; esac
            root=$(dirname -- "$root")
        done
        toml() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
        kak() { sed "s/'/''/g"; }
        {
            printf '[agent]\ncommand = "%s"\nargs = ["lsp"]\nroot = "%s"\n' \
                "$(toml "$kak_opt_agent_command")" "$(toml "$root")"
        } | kak | { printf "set-option buffer lsp_servers '"; cat; printf "'\n"; }
    }
}

hook -group agent global WinSetOption filetype=(?:markdown|yaml) %{
    evaluate-commands %sh{
        case $kak_opt_lsp_servers in
            '[agent]'*) printf '%s\n' lsp-enable-window 'lsp-inlay-diagnostics-enable window' ;;
        esac
    }
}
