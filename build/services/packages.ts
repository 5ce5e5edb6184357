/** Debian packages, as root or through sudo; the package lists are fetched only where they are too old. */
export function installPackages(...names: readonly string[]): void {
  if (Bun.which('apt-get') === null) throw new Error(`there is no apt-get to install ${names.join(' ')}`);
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  // Run level 1: a package of a server does not start it, since the tests start servers of their own.
  const env = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-q', '-y'];
  const install = [...env, 'install', '--no-install-recommends', ...names];
  if (succeeds(install)) return;
  run([...env, 'update']);
  run(install);
}

export function succeeds(command: readonly string[]): boolean {
  try {
    return (
      Bun.spawnSync([...command], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).exitCode === 0
    );
  } catch {
    return false;
  }
}

/** @throws with the last lines that the command printed, when it fails. */
export function run(command: readonly string[]): void {
  const done = Bun.spawnSync([...command], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  if (done.exitCode === 0) return;
  const last = `${done.stdout}${done.stderr}`.trim().split('\n').slice(-5).join('\n');
  throw new Error(`\`${command.join(' ')}\` failed:\n${last}`);
}
