import { constants, gzipSync } from 'node:zlib';

/** Where the header of a gzip member (RFC 1952) holds the system that wrote it, and the code of Unix. */
const SYSTEM_BYTE = 9;
const UNIX = 3;

/**
 * Like `gzip -n -9`: no name, no time and always the same system in the header, so that one zlib gives the same bytes for
 * the same text anywhere.
 */
export const gzipStable = (text: string): Uint8Array => {
  const bytes = gzipSync(text, { level: constants.Z_BEST_COMPRESSION });
  bytes[SYSTEM_BYTE] = UNIX;
  return bytes;
};
