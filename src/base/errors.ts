/**
 * The one error base. Every error a user can meet says what is wrong, where, and what to do, and carries the
 * process exit code that the contract gives its kind.
 */
import { printable } from './printable.js';
import { shortened } from './shortened.js';

/** Where in a user's file a fault was found; lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface ErrorDetails {
  readonly where?: SourceLocation;
  /** What the user can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130;

const describeLocation = ({ file, line, column }: SourceLocation): string =>
  [file, line, column].filter((part) => part !== undefined).join(':');

/** Longest part of an error that is shown; a file may name its tensors by megabytes. */
const longestPart = 4000;

const shown = (text: string): string => printable(shortened(text, longestPart));

const describeParts = ({
  where,
  message,
  hint,
}: {
  readonly where?: SourceLocation | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
}): string =>
  `${where ? `${shown(describeLocation(where))}: ` : ''}${shown(message)}${hint ? `\n  → ${shown(hint)}` : ''}`;

export class DsteerError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly where: SourceLocation | undefined;
  readonly hint: string | undefined;

  constructor(code: string, exitCode: ExitCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    this.where = details.where;
    this.hint = details.hint;
  }

  /** One block for a terminal: location, message, cure. What comes out of files cannot move the cursor or forge lines. */
  describe(): string {
    return describeParts(this);
  }
}

/** The command line or a library call was used wrongly: exit code 2. */
export class UsageError extends DsteerError {
  constructor(message: string, details?: ErrorDetails) {
    super('usage', 2, message, details);
  }
}

/** A file or value given as input cannot be used: exit code 2. */
export class InputError extends DsteerError {
  constructor(message: string, details?: ErrorDetails) {
    super('input', 2, message, details);
  }
}

/** One fault in a specification file. */
export interface SpecIssue {
  readonly where: SourceLocation;
  readonly message: string;
  readonly hint?: string;
}

/** A specification has faults; all of them are listed at once. Exit code 2. */
export class SpecError extends DsteerError {
  readonly issues: readonly SpecIssue[];

  constructor(issues: readonly SpecIssue[]) {
    super('spec', 2, `${issues.length} fault${issues.length === 1 ? '' : 's'} in the specification`);
    this.issues = issues;
  }

  override describe(): string {
    return this.issues.map(describeParts).join('\n');
  }
}

/** An engine, a library or another resource of the machine is missing: exit code 4. */
export class ResourceError extends DsteerError {
  constructor(message: string, details?: ErrorDetails) {
    super('resource', 4, message, details);
  }
}

/** A computation went wrong (NaN, failed convergence): exit code 1. */
export class ComputationError extends DsteerError {
  constructor(message: string, details?: ErrorDetails) {
    super('computation', 1, message, details);
  }
}
