/** Errors on their way from a worker process or thread to whoever waits for it. */
import { DsteerError, type ExitCode, type SourceLocation } from './errors.js';

export interface FaultMessage {
  readonly message: string;
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly where?: SourceLocation;
  readonly hint?: string;
  readonly stack?: string;
}

/** An error as plain data. */
export const describeFault = (error: unknown): FaultMessage => {
  if (error instanceof DsteerError) {
    const { code, exitCode, where, hint, stack } = error;
    return {
      message: error.message,
      code,
      exitCode,
      ...(where === undefined ? {} : { where }),
      ...(hint === undefined ? {} : { hint }),
      ...(stack === undefined ? {} : { stack }),
    };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return { message, code: 'unexpected', exitCode: 1, ...(stack === undefined ? {} : { stack }) };
};

/** The error as it was where it was thrown. */
export const faultOf = ({ message, code, exitCode, where, hint, stack }: FaultMessage): Error => {
  if (code === 'unexpected') {
    const error = new Error(message);
    if (stack !== undefined) error.stack = stack;
    return error;
  }
  return new DsteerError(code, exitCode, message, {
    ...(where === undefined ? {} : { where }),
    ...(hint === undefined ? {} : { hint }),
  });
};
