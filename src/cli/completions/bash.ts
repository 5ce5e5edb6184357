import { type CommandWords, groupsOf, type Value } from './command-words.ts';

/** For bash 3.2 and later; `--flag=value` reaches the function as three words. */
export function bashCompletions(commands: readonly CommandWords[]): string {
  const groups = groupsOf(commands);
  const nested = [...groups].filter(([name]) => !commands.some((command) => command.name === name));
  return `${[
    '# bash completion of foundry: source <(foundry completions bash)',
    '_foundry_words() {',
    "  local IFS=$' \\t\\n'",
    '  COMPREPLY=($(compgen -W "$1" -- "$2"))',
    '}',
    '_foundry_files() {',
    "  local IFS=$'\\n'",
    '  COMPREPLY=($(compgen -f -- "$1"))',
    '  compopt -o filenames 2>/dev/null',
    '}',
    '_foundry() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local command="${COMP_WORDS[1]}"',
    '  COMPREPLY=()',
    '  if [[ "$cur" == "=" ]]; then cur=""',
    '  elif [[ "$prev" == "=" ]]; then prev="${COMP_WORDS[COMP_CWORD-2]}"',
    '  fi',
    '  if [[ $COMP_CWORD -eq 1 ]]; then',
    `    _foundry_words "${[...groups.keys(), '--help', '--version'].join(' ')}" "$cur"`,
    '    return',
    '  fi',
    '  case "$command" in',
    ...nested.flatMap(([name, members]) => [
      `    ${name})`,
      '      if [[ $COMP_CWORD -eq 2 ]]; then',
      `        _foundry_words "${members.map((member) => member.name.slice(name.length + 1)).join(' ')} --help" "$cur"`,
      '        return',
      '      fi',
      '      command="$command ${COMP_WORDS[2]}"',
      '      ;;',
    ]),
    '  esac',
    '  case "$command" in',
    ...commands.flatMap(commandCase),
    '  esac',
    '}',
    'complete -F _foundry foundry',
  ].join('\n')}\n`;
}

function commandCase({ name, flags, argument }: CommandWords): string[] {
  const values = flags.flatMap(({ spelled, value }) =>
    value === undefined ? [] : [`        ${spelled.join('|')}) ${complete(value)}; return ;;`],
  );
  const words = flags.flatMap(({ spelled }) => spelled).join(' ');
  return [
    `    '${name}')`,
    ...(values.length === 0 ? [] : ['      case "$prev" in', ...values, '      esac']),
    `      if [[ "$cur" == -* ]]; then _foundry_words "${words}" "$cur"; return; fi`,
    `      ${argument === undefined ? `_foundry_words "${words}" "$cur"` : complete(argument)}`,
    '      ;;',
  ];
}

function complete(value: Value): string {
  switch (value.kind) {
    case 'files':
      return '_foundry_files "$cur"';
    case 'choices':
      return `_foundry_words "${value.choices.join(' ')}" "$cur"`;
    case 'text':
      return ':';
  }
}
