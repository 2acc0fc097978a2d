import { rename, rm } from 'node:fs/promises';
import type { Progress } from '../base/index.js';

/**
 * Moves a damaged file or folder out of the way, to `path.corrupt`, where it can be looked at; what stood there before is
 * removed.
 *
 * @param why what is wrong with it, for the warning
 */
export const setAside = async (
  path: string,
  why: string,
  progress: Pick<Progress, 'warn'>,
): Promise<void> => {
  const place = `${path}.corrupt`;
  await rm(place, { recursive: true, force: true });
  await rename(path, place);
  progress.warn(`${path} is set aside as ${place} and made anew: ${why}`);
};
