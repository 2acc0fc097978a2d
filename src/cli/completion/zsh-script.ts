import type { CompletionCommand } from './command-tree.js';
import { type Candidate, quoted, shellCases } from './shell-cases.js';

const entry = ({ word, description }: Candidate): string =>
  quoted(description === undefined ? word : `${word}:${description}`);

/** To be sourced, or put into a folder of `fpath` as `_dsteer`. */
export const zshScript = (tree: readonly CompletionCommand[]): string => {
  const branches = shellCases(tree).map(
    ({ place, candidates }) => `    ${quoted(place)}) found=(${candidates.map(entry).join(' ')}) ;;`,
  );
  return `#compdef dsteer
# Completion of dsteer in zsh, written by \`dsteer completion zsh\`.

# Sets \`found\`, of its caller.
_dsteer_find() {
  found=()
  case "$1" in
${branches.join('\n')}
  esac
}

_dsteer_offer() {
  local -a plain
  local one
  for one in "\${found[@]}"; do
    case "$one" in
      @files) _files ;;
      @folders) _files -/ ;;
      @nothing) ;;
      *) plain+=("$one") ;;
    esac
  done
  (( \${#plain} == 0 )) || _describe -t values "$1" plain
}

_dsteer() {
  local current="\${words[CURRENT]}" at=''
  local -a found
  if (( CURRENT > 2 )); then
    at="\${words[2]}"
    if (( CURRENT > 3 )); then
      _dsteer_find "$at|commands"
      (( \${found[(I)\${words[3]}:*]} == 0 )) || at="$at \${words[3]}"
    fi
  fi
  if [[ $current == --*=* ]]; then
    _dsteer_find "$at|\${current%%=*}"
    compset -P '*='
    _dsteer_offer value
    return
  fi
  _dsteer_find "$at|\${words[CURRENT - 1]}"
  if (( \${#found} > 0 )); then
    _dsteer_offer value
  elif [[ $current == -* ]]; then
    _dsteer_find "$at|options"
    _dsteer_offer option
  else
    if (( CURRENT <= 3 )); then
      _dsteer_find "$at|commands"
      _dsteer_offer command
    fi
    _dsteer_find "$at|arguments"
    _dsteer_offer argument
  fi
}

if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _dsteer "$@"
else
  compdef _dsteer dsteer
fi
`;
};
