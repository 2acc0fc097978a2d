import { createPlainProgress } from './plain-progress.js';
import { type Environment, type OutputStream, wantsColor, widthOf } from './style.js';
import { type ClearableProgress, createTerminalProgress } from './terminal-progress.js';

/** A stream that progress can be written to, such as `process.stderr`. */
export interface WritableOutput extends OutputStream {
  write(text: string): unknown;
}

/** The progress reporter that suits a stream: a rewritten line on a terminal, plain lines in CI and in files. */
export const createProgress = (stream: WritableOutput, environment: Environment): ClearableProgress => {
  const write = (text: string): void => {
    stream.write(text);
  };
  const isTerminal = stream.isTTY === true && environment['TERM'] !== 'dumb' && !environment['CI'];
  if (!isTerminal) return { ...createPlainProgress({ write }), clear: () => undefined };
  return createTerminalProgress({
    write,
    columns: () => widthOf(stream, environment, 80),
    color: wantsColor(stream, environment),
  });
};
