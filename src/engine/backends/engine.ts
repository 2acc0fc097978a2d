/** What an engine is: a way to compute tensors that may or may not be there on this machine. */

/** The engine cannot run here: why, and what to do about it. */
export class EngineUnavailable extends Error {
  readonly hint: string;

  constructor(reason: string, hint: string) {
    super(reason);
    this.name = 'EngineUnavailable';
    this.hint = hint;
  }
}

export interface BlasInfo {
  readonly name: string;
  readonly path: string;
  readonly threads: number;
}

export interface StartedEngine {
  /** tfjs's name of the backend. */
  readonly backend: string;
  /** What computes, in words. */
  readonly details: string;
  readonly blas?: BlasInfo;
}

export interface Engine {
  /** Whether it could run, without starting it: what would compute. @throws {EngineUnavailable} */
  probe(): Promise<string>;
  /** Makes it the active one. @throws {EngineUnavailable} */
  start(): Promise<StartedEngine>;
}
