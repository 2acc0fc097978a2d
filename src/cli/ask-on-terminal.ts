import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks one question at this process's terminal. Ctrl-C and the end of input interrupt the process, as they would without a
 * question.
 */
export const askOnTerminal = async (question: string): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const interrupt = (): void => {
    process.kill(process.pid, 'SIGINT');
  };
  lines.once('SIGINT', interrupt).once('close', interrupt);
  try {
    return await lines.question(question);
  } catch {
    // Nothing more will be answered; the signal ends the process.
    interrupt();
    await sleep(1000);
    return '';
  } finally {
    lines.off('close', interrupt).close();
  }
};
