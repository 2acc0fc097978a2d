import type { CompletionCommand } from './command-tree.js';
import { quoted, shellCases } from './shell-cases.js';

/** For bash 3.2, which macOS has, and later. */
export const bashScript = (tree: readonly CompletionCommand[]): string => {
  const branches = shellCases(tree).map(
    ({ place, candidates }) =>
      `    ${quoted(place)}) printf '%s\\n' ${quoted(candidates.map(({ word }) => word).join(' '))} ;;`,
  );
  return `# Completion of dsteer in bash, written by \`dsteer completion bash\`.

_dsteer_words() {
  case "$1" in
${branches.join('\n')}
  esac
}

_dsteer() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local at='' words='' word='' line=''
  COMPREPLY=()
  # bash parts --option=value into three words.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $previous == '=' ]]; then
    previous="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  if ((COMP_CWORD > 1)); then
    at="\${COMP_WORDS[1]}"
    if ((COMP_CWORD > 2)) && [[ " $(_dsteer_words "$at|commands") " == *" \${COMP_WORDS[2]} "* ]]; then
      at="$at \${COMP_WORDS[2]}"
    fi
  fi
  words="$(_dsteer_words "$at|$previous")"
  if [[ -z $words ]]; then
    if [[ $current == -* ]]; then
      words="$(_dsteer_words "$at|options")"
    else
      words="$(_dsteer_words "$at|arguments")"
      ((COMP_CWORD > 2)) || words="$(_dsteer_words "$at|commands") $words"
    fi
  fi
  for word in $words; do
    case "$word" in
      @nothing) ;;
      @files | @folders)
        # A name is quoted as a path where it needs to be; a bash without compopt takes it as it is.
        compopt -o filenames 2>/dev/null
        [[ $word == @files ]] && word=-f || word=-d
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$word" -- "$current")
        ;;
      "$current"*) COMPREPLY+=("$word") ;;
    esac
  done
}

complete -F _dsteer dsteer
`;
};
