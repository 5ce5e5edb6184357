import type { FileSourceSpec } from '../file/spec.ts';

export const COMMAND_FORMATS = ['jsonl', 'csv', 'tsv', 'singer'] as const;
export type CommandFormat = (typeof COMMAND_FORMATS)[number];

/** Any program that writes records to its standard output. */
export interface CommandSourceSpec {
  readonly type: 'command';
  /** A program and its arguments; a text is given to the shell. */
  readonly run: string | readonly string[];
  readonly format: CommandFormat;
  /** Singer: the stream to land; absent: the only one. */
  readonly stream?: string;
  /** Variables beside those of foundry's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder that the program is started in; absent: the working directory. */
  readonly folder?: string;
  /** Seconds after which the program is ended and the run fails. */
  readonly timeoutSeconds?: number;
  /** How the output is read, as of a file of the format. */
  readonly reading: Omit<FileSourceSpec, 'type' | 'path' | 'format'>;
}
