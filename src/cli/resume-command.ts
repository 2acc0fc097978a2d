/** The command line that goes on where an interrupted one was. */

const plain = /^[\w@%+=:,./-]+$/;

/** A word as a POSIX shell reads it back. */
const quoted = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** @param outFolder what the command writes to, whether or not it was named */
export const resumeCommand = (words: readonly string[], outFolder: string): string => {
  const named = words.some((word) => word === '--out' || word.startsWith('--out='));
  const all = ['dsteer', ...words, ...(named ? [] : ['--out', outFolder])];
  return all.map(quoted).join(' ');
};
