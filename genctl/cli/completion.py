"""Completion of the command line for bash and zsh.

The shell function asks `genctl completion words WORD...`, whose last word is the one to complete.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genctl.cli.arguments import BY_NAME, FLAGS, Arguments, parse
from genctl.config import paths
from genctl.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from omegaconf import DictConfig

FILES = "<files>"
FILE_VERBS = ("compare", "runs", "sweep")  # their words that are no settings are directories
FILE_SETTINGS = ("run", "path", "out", "outputs", "real", "samples", "weights")
SHELLS = ("bash", "zsh")

BASH = """_genctl() {
    local word line n=-1 words=() prefix breaks=""
    # bash splits words at = and :, so they are put together again.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if ((n >= 0)) && [[ $word == [=:]* || ${words[n]} == *[=:] ]] &&
            ! [[ -z $word && ${COMP_LINE:0:${COMP_POINT:-0}} == *[[:space:]] ]]; then
            words[n]+=$word
        else
            words[++n]=$word
        fi
    done
    local current=${words[n]}
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+="="
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=":"
    [[ -n $breaks ]] && prefix=${current%"${current##*[$breaks]}"}
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line#"$prefix"}")
    done < <(genctl completion words "${words[@]}" 2>/dev/null)
    if [[ ${COMPREPLY[0]} == "<files>" ]]; then
        COMPREPLY=()
        local key=""
        [[ $current == *=* ]] && key=${current%%=*}=
        while IFS= read -r line; do
            line=$key$line
            COMPREPLY+=("${line#"$prefix"}")
        done < <(compgen -f -- "${current#"$key"}")
        compopt -o filenames 2>/dev/null
    elif [[ ${COMPREPLY[0]} == *[=.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _genctl genctl"""

ZSH = """_genctl() {
    local -a found
    found=("${(@f)$(genctl completion words "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    if [[ $found[1] == "<files>" ]]; then
        compset -P '*='
        _files
    else
        compadd -S ' ' -- ${found:#*[=.]}
        compadd -S '' -- ${(M)found:#*[=.]}
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _genctl genctl"""


def run(words: list[str], verbs: Iterable[str]) -> int:
    """Print the script for a shell, or the candidates that such a script asks for.

    Raises UserError for another shell.
    """
    if words[:1] == ["words"]:
        print("\n".join(candidates(words[1:], list(verbs))))
    elif words in ([], ["--help"], ["-h"]):
        print('Put this into ~/.bashrc: eval "$(genctl completion bash)"')
        print('or this into ~/.zshrc:   eval "$(genctl completion zsh)"')
    elif words in (["bash"], ["zsh"]):
        print(BASH if words == ["bash"] else ZSH)
    else:
        given = " ".join(words)
        raise UserError(f"genctl completion takes bash or zsh, but got '{given}'.{did_you_mean(given, SHELLS)}")
    return 0


def candidates(words: Sequence[str], verbs: Sequence[str]) -> list[str]:
    """Return what the last of `words` could become; FILES alone where it is a path."""
    *before, current = words or [""]
    flag = BY_NAME.get(before[-1]) if before else None
    key, equals, value = current.partition("=")
    is_path = key.split(".")[-1] in FILE_SETTINGS or value.startswith(("/", "./", "../", "~"))
    if (flag and flag.value == "DIR") or (equals and is_path):
        return [FILES]
    if flag and flag.choices:
        words_that_fit: Iterable[str] = flag.choices
    elif current.startswith("-"):
        words_that_fit = (flag.name for flag in FLAGS)
    else:
        given = parse([*before])
        words_that_fit = _words(given, current, verbs)
        if given.verb in FILE_VERBS and not (current and any(word.startswith(current) for word in words_that_fit)):
            return [FILES]
    return sorted({word for word in words_that_fit if word.startswith(current)})


def _words(given: Arguments, current: str, verbs: Sequence[str]) -> Sequence[str]:
    if given.verb is None:
        return [*verbs, "completion"]
    if given.verb not in verbs:
        return SHELLS if given.verb == "completion" else ()
    from genctl.cli.composition import Request, compose

    folders = paths.users(paths.named(given.flags.get("--config-dir", ())))
    try:
        config, choices = compose(Request(given.verb, given.overrides, folders))
    except Exception:
        # A mistake earlier on the line is reported when the line is run.
        config, choices = compose(Request(given.verb, (), folders))
    if "=" in current:
        return _values(current, config, choices, [paths.builtin(), *folders])
    return [*(f"{group}=" for group in choices), *_keys(config, current.count("."))]


def _values(current: str, config: "DictConfig", groups: Collection[str], folders: Iterable[Path]) -> list[str]:
    from omegaconf import OmegaConf

    key, _, value = current.partition("=")
    options = [option for folder in folders for option in paths.options(key, folder)] if key in groups else []
    if not options and isinstance(OmegaConf.select(config, key), bool):
        options = ["true", "false"]
    listed = value.rpartition(",")
    return [f"{key}={listed[0]}{listed[1]}{option}" for option in options]


def _keys(config: "DictConfig", depth: int) -> list[str]:
    """Return the keys at one depth, each with the sign that follows it."""
    from genctl.cli.composition import keys

    known = list(keys(config))
    parents = {key.rpartition(".")[0] for key in known}
    return [f"{key}." if key in parents else f"{key}=" for key in known if key.count(".") == depth]
