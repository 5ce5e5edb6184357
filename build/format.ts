import { packageScript, runVisible } from './step.ts';

const { ok } = await runVisible('format', packageScript('@biomejs/biome/bin/biome', 'check', '--write'));
process.exitCode = ok ? 0 : 1;
