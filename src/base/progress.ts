/** How long work tells how far it is. The command line shows it; libraries pass `silentProgress`. */

export interface ProgressStage {
  /** `steps` more of the total are done; `tokens` were processed on the way. */
  advance(steps?: number, tokens?: number): void;
  end(): void;
}

export interface Progress {
  /** Opens a stage of `total` steps. */
  stage(title: string, total: number): ProgressStage;
  /** A line worth keeping on the terminal. */
  note(message: string): void;
  warn(message: string): void;
}

export const silentProgress: Progress = {
  stage: () => ({ advance: () => undefined, end: () => undefined }),
  note: () => undefined,
  warn: () => undefined,
};
