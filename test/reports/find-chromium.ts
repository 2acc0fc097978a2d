/** The Chromium that page tests drive: `DSTEER_CHROMIUM`, or where the usual packages put it. */

import { existsSync } from 'node:fs';

const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export const findChromium = (): string | undefined =>
  [process.env['DSTEER_CHROMIUM'], ...USUAL].find((path) => path !== undefined && existsSync(path));

/** Quiet, and with no connection of its own. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
