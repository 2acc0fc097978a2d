import { type Progress, silentProgress } from '../base/index.js';
import type { CommandContext } from './command-context.js';

/** Progress of a command on stderr; of a quiet one, its warnings alone. */
export const openProgress = async ({
  stderr,
  environment,
  isQuiet,
}: CommandContext): Promise<Progress & { clear(): void }> => {
  const { createProgress } = await import('../reports/index.js');
  const progress = createProgress(stderr, environment);
  return isQuiet ? { ...silentProgress, warn: progress.warn, clear: progress.clear } : progress;
};
