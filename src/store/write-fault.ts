import { DsteerError, ResourceError } from '../base/index.js';

const cures: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOSPC: ['the disk is full', 'free some space, or choose a folder on another disk'],
  EDQUOT: ['the quota of this disk is used up', 'free some space, or choose a folder on another disk'],
  EFBIG: ['files of this size are not allowed here', 'raise the limit, or choose a folder on another disk'],
  EROFS: ['this file system is read-only', 'choose a folder that can be written to'],
  EACCES: ['no permission to write here', 'choose a folder that can be written to'],
  EPERM: ['writing here is not permitted', 'choose a folder that can be written to'],
  ENOENT: ['its folder is not there and cannot be made', 'choose a folder that can be written to'],
  ENOTDIR: ['a part of this path is a file', 'choose another folder'],
  EEXIST: ['a file stands where a folder is needed', 'choose another folder'],
  EISDIR: ['a folder stands where a file is needed', 'choose another place'],
  ENAMETOOLONG: ['this name is too long for the file system', 'choose a shorter one'],
  EMFILE: ['too many files are open', 'raise the limit of open files (ulimit -n)'],
  ENFILE: ['too many files are open on this machine', 'close other programs'],
  EIO: ['the disk reports a fault', 'choose a folder on another disk'],
};

/**
 * What the system says when a file or folder cannot be written, as a user reads it: exit code 4. Errors of another kind
 * come back as they are.
 */
export const explainWriteFault = (error: unknown, path: string): unknown => {
  if (error instanceof DsteerError || !(error instanceof Error)) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const known = cures[code];
  if (known === undefined) return error;
  const [what, hint] = known;
  return new ResourceError(`cannot be written: ${what} (${code})`, {
    where: { file: path },
    hint,
    cause: error,
  });
};

/** Runs what writes at `path`. @throws ResourceError in the place of what the system says */
export const explainingWriteFaults = async <Value>(
  path: string,
  write: () => Promise<Value>,
): Promise<Value> => {
  try {
    return await write();
  } catch (error) {
    throw explainWriteFault(error, path);
  }
};
