import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageFolder } from '../../src/base/index.js';
import { ensureBuilt } from '../e2e/built-cli.js';

it('should be closed before whoever closes it goes on, whatever it was being asked', async () => {
  ensureBuilt();
  const base = pathToFileURL(join(packageFolder(), 'dist', 'base', 'index.js'));
  // The process has nothing else to live for: one that ends while it waits ends with 13.
  const script = `
    import { startThread } from ${JSON.stringify(base.href)};
    for (let i = 0; i < 5; i++) {
      const thread = startThread('data/parquet-worker.js', { name: 'a thread', data: {} });
      await thread.ask({ type: 'close' });
      thread.ask({ type: 'close' }).catch(() => undefined);
      // Its answer waits here, unread, when the thread is closed.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      await thread.close();
    }
    console.log('all closed');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('all closed\n');
});
