import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the package: the nearest one above this file that holds dsteer's package.json. */
export const packageFolder = (): string => join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** dsteer's version, from its package.json. */
export const dsteerVersion: string = (
  JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as { version: string }
).version;
