import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResourceError } from '../base/index.js';

/**
 * The folder of shipped models and data. It lies two folders above this file both in the sources (`src/data`) and in
 * the built package (`dist/data`).
 *
 * @throws ResourceError when the package came without it
 */
export const assetsFolder = (): string => {
  const folder = fileURLToPath(new URL('../../assets', import.meta.url));
  if (!existsSync(join(folder, 'preferences'))) {
    throw new ResourceError(`the shipped assets are missing: ${folder}`, {
      hint: 'reinstall dsteer, or run `npm run build:assets` in a checkout',
    });
  }
  return folder;
};
