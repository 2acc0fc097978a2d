/** Opens a file with the program that the system opens its kind with. */

import { spawn } from 'node:child_process';

/** Program and arguments that open `path` on a platform. */
export const openerFor = (
  platform: NodeJS.Platform,
  path: string,
): readonly [program: string, ...words: string[]] => {
  if (platform === 'darwin') return ['open', path];
  if (platform === 'win32') return ['explorer.exe', path];
  return ['xdg-open', path];
};

/**
 * Starts the opener and leaves it running.
 *
 * @returns what went wrong, where no opener could be started
 */
export const openWithSystem = (path: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const [program, ...words] = openerFor(process.platform, path);
    const child = spawn(program, words, { detached: true, stdio: 'ignore' });
    child.once('error', ({ message }) => resolve(message));
    child.once('spawn', () => {
      child.unref();
      resolve(undefined);
    });
  });
