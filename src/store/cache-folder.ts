import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a system keeps what programs can make again. */
const systemCache = (environment: Environment): string => {
  const home = homedir();
  if (process.platform === 'win32') return environment['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local');
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches');
  return environment['XDG_CACHE_HOME'] || join(home, '.cache');
};

/**
 * The folder of the artefact store: `DSTEER_CACHE`, else `dsteer` where the system keeps caches. `DSTEER_CACHE=off` is
 * none.
 */
export const cacheFolder = (environment: Environment): string | undefined => {
  const named = environment['DSTEER_CACHE'];
  if (named === 'off') return undefined;
  return named ? resolve(named) : join(systemCache(environment), 'dsteer');
};
