/** Threads of our own that answer questions in their order, and can be ended where one of them is never answered. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { ResourceError } from './errors.js';
import { describeFault, type FaultMessage, faultOf } from './faults.js';
import { packageFolder } from './version.js';

/** No answer within the time that was given: the thread was ended. */
export class ThreadTimeout extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds / 1000} s`);
    this.name = 'ThreadTimeout';
  }
}

export interface WorkerThread<Question, Answer> {
  /**
   * @param milliseconds that the answer may take; no limit where left out
   * @throws ThreadTimeout, after which the thread is gone; ResourceError where it ended by itself; what the answering threw
   */
  ask(question: Question, milliseconds?: number): Promise<Answer>;
  close(): Promise<void>;
}

type Told<Answer> = { readonly answer: Answer } | { readonly fault: FaultMessage };

export interface ThreadOptions {
  /** In words, for messages: `a training thread`. */
  readonly name: string;
  readonly data: unknown;
  /** Beside this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Starts a thread. It keeps the process alive only while a question is open.
 *
 * @param script of the built package, such as `training/replica-worker.js`: threads run no TypeScript
 */
export const startThread = <Question, Answer>(
  script: string,
  { name, data, environment = {} }: ThreadOptions,
): WorkerThread<Question, Answer> => {
  const worker = new Worker(pathToFileURL(join(packageFolder(), 'dist', script)), {
    workerData: data,
    execArgv: [],
    env: { ...process.env, ...environment },
  });
  worker.unref();
  let open: { resolve(answer: Answer): void; reject(reason: Error): void }[] = [];
  let fault: Error | undefined;
  let isClosing = false;
  const fail = (error: Error): void => {
    fault ??= error;
    for (const { reject } of open) reject(fault);
    open = [];
  };
  worker.on('message', (told: Told<Answer>) => {
    const question = open.shift();
    if ('answer' in told) question?.resolve(told.answer);
    else question?.reject(faultOf(told.fault));
    if (open.length === 0 && !isClosing) worker.unref();
  });
  worker.on('error', (error) => {
    const hint = 'free memory, or give it less to do at once';
    fail(new ResourceError(`${name} ended: ${error.message}`, { hint, cause: error }));
  });
  worker.on('exit', (code) => fail(new ResourceError(`${name} ended early (${code})`)));
  return {
    ask: (question, milliseconds) =>
      new Promise((resolve, reject) => {
        if (fault) {
          reject(fault);
          return;
        }
        const timer =
          milliseconds === undefined
            ? undefined
            : setTimeout(() => {
                fail(new ThreadTimeout(milliseconds));
                void worker.terminate();
              }, milliseconds);
        const settled =
          <T>(settle: (value: T) => void) =>
          (value: T): void => {
            clearTimeout(timer);
            settle(value);
          };
        open.push({ resolve: settled(resolve), reject: settled(reject) });
        worker.ref();
        worker.postMessage(question);
      }),
    close: async () => {
      // Whoever waits for its end must not be ended by having nothing else to wait for.
      isClosing = true;
      worker.ref();
      await worker.terminate();
    },
  };
};

/** The other side, in the script of a thread: questions are answered one after another, in their order. */
export const answerQuestions = <Question, Answer>(
  answer: (question: Question) => Answer | Promise<Answer>,
): void => {
  const tell = (told: Told<Answer>): void => parentPort?.postMessage(told);
  let last = Promise.resolve();
  parentPort?.on('message', (question: Question) => {
    last = last
      .then(() => answer(question))
      .then((own) => tell({ answer: own }))
      .catch((error: unknown) => tell({ fault: describeFault(error) }));
  });
};
