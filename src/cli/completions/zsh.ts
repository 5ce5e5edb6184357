import { type CommandWords, type Flag, groupsOf, type Value } from './command-words.ts';

export function zshCompletions(commands: readonly CommandWords[]): string {
  return `${[
    '#compdef foundry',
    '# zsh completion of foundry: foundry completions zsh > a folder of $fpath/_foundry',
    '_foundry() {',
    '  local -a commands',
    '  if (( CURRENT == 2 )); then',
    '    commands=(',
    ...[...groupsOf(commands)].map(([name, members]) => {
      const [only] = members;
      const text = members.length === 1 && only?.name === name ? only.description : `${name} ...`;
      return `      ${quoted(`${name}:${escaped(text)}`)}`;
    }),
    '    )',
    "    _describe -t commands 'foundry command' commands",
    '    return',
    '  fi',
    '  case "$words[2]" in',
    ...[...groupsOf(commands)].flatMap(([name, members]) => group(name, members)),
    '  esac',
    '}',
    'if [[ "$funcstack[1]" == _foundry ]]; then _foundry "$@"; else compdef _foundry foundry; fi',
  ].join('\n')}\n`;
}

function group(name: string, members: readonly CommandWords[]): string[] {
  const [only] = members;
  if (only?.name === name) {
    return [`    ${name})`, '      shift words; (( CURRENT-- ))', ...argumentsOf(only, '      '), '      ;;'];
  }
  return [
    `    ${name})`,
    '      if (( CURRENT == 3 )); then',
    '        commands=(',
    ...members.map(
      (member) =>
        `          ${quoted(`${member.name.slice(name.length + 1)}:${escaped(member.description)}`)}`,
    ),
    '        )',
    `        _describe -t commands 'foundry ${name} command' commands`,
    '        return',
    '      fi',
    '      shift 2 words; (( CURRENT -= 2 ))',
    '      case "$words[1]" in',
    ...members.flatMap((member) => [
      `        ${member.name.slice(name.length + 1)})`,
      ...argumentsOf(member, '          '),
      '          ;;',
    ]),
    '      esac',
    '      ;;',
  ];
}

function argumentsOf({ flags, argument }: CommandWords, indent: string): string[] {
  const specs = flags.flatMap(flagSpecs);
  if (argument !== undefined) specs.push(quoted(`*:argument:${action(argument)}`));
  return [
    `${indent}_arguments \\`,
    ...specs.map((spec, i) => `${indent}  ${spec}${i < specs.length - 1 ? ' \\' : ''}`),
  ];
}

/** A flag and its aliases exclude each other. */
function flagSpecs({ spelled, description, value }: Flag): string[] {
  const together = spelled.length > 1 ? `(${spelled.join(' ')})` : '';
  const rest = `[${escaped(description)}]${value === undefined ? '' : `:value:${action(value)}`}`;
  return spelled.map((flag) => {
    const takes = value !== undefined && flag.startsWith('--') ? '=' : '';
    return quoted(`${together}${flag}${takes}${rest}`);
  });
}

function action(value: Value): string {
  switch (value.kind) {
    case 'files':
      return '_files';
    case 'choices':
      return `(${value.choices.join(' ')})`;
    case 'text':
      return ' ';
  }
}

/** Characters that `_arguments` and `_describe` give a meaning. */
function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, (character) => `\\${character}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
