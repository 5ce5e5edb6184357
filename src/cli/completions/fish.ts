import { type CommandWords, type Flag, groupsOf } from './command-words.ts';

export function fishCompletions(commands: readonly CommandWords[]): string {
  const lines = [
    '# fish completion of foundry: foundry completions fish > ~/.config/fish/completions/foundry.fish',
    'complete -c foundry -f',
  ];
  for (const [name, members] of groupsOf(commands)) {
    const [only] = members;
    const isCommand = only?.name === name;
    const about = isCommand ? only.description : `${members.length} commands`;
    lines.push(`complete -c foundry -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`);
    for (const member of members) {
      const sub = isCommand ? undefined : member.name.slice(name.length + 1);
      const subs = members.map((other) => other.name.slice(name.length + 1)).join(' ');
      const seen = `__fish_seen_subcommand_from ${name}`;
      if (sub !== undefined) {
        const first = quoted(`${seen}; and not __fish_seen_subcommand_from ${subs}`);
        lines.push(`complete -c foundry -n ${first} -a ${sub} -d ${quoted(member.description)}`);
      }
      const when = quoted(sub === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${sub}`);
      lines.push(...member.flags.map((flag) => `complete -c foundry -n ${when} ${flagOf(flag)}`));
      if (member.argument?.kind === 'files') lines.push(`complete -c foundry -n ${when} -F`);
      if (member.argument?.kind === 'choices') {
        lines.push(`complete -c foundry -n ${when} -a ${quoted(member.argument.choices.join(' '))}`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

function flagOf({ spelled, description, value }: Flag): string {
  const names = spelled.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const takes =
    value === undefined
      ? []
      : value.kind === 'files'
        ? ['-r -F']
        : value.kind === 'choices'
          ? [`-x -a ${quoted(value.choices.join(' '))}`]
          : ['-x'];
  return [...names, ...takes, `-d ${quoted(description)}`].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
