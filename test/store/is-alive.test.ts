import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../../src/store/is-alive.js';

describe('isAlive', () => {
  it('should tell a process that runs from one that is gone', async () => {
    expect(isAlive(process.pid)).toBe(true);
    const child = spawn(process.execPath, ['--eval', '']);
    await once(child, 'exit');
    expect(isAlive(child.pid ?? 0)).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')(
    'should take one that has ended for gone, though nobody asked how it ended (Linux)',
    async () => {
      // The shell becomes a program that knows nothing of the child.
      const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60']);
      const [line] = await once(createInterface({ input: parent.stdout }), 'line');
      const pid = Number(line);
      const was = isAlive(pid);
      await sleep(400);
      expect(() => process.kill(pid, 0)).not.toThrow();
      expect([was, isAlive(pid)]).toEqual([true, false]);
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    },
  );
});
