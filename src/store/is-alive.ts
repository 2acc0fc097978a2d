import { readFileSync } from 'node:fs';

/** Whether what is there has ended, and its parent has not yet asked how: on Linux it can be told. */
const isZombie = (pid: number): boolean => {
  try {
    // The name before the state is in brackets, and may hold any.
    return /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** Whether a process of that id runs on this machine. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM' && !isZombie(pid);
  }
  return !isZombie(pid);
};
