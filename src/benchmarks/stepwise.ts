/** A training that waits after each step until it is asked for the next: so a step can be timed without what surrounds all. */

/** What a training rejects with that was stopped between two steps. */
class Stopped extends Error {}

interface Waiting {
  resolve(): void;
  reject(reason: unknown): void;
}

export interface StepwiseTraining {
  /** One step: the first begins the training. */
  step(): Promise<void>;
  /** Ends the training after the last step that was asked for. */
  stop(): Promise<void>;
}

/** @param train awaits what it calls after each step */
export const stepwise = (train: (onStep: () => Promise<void>) => Promise<unknown>): StepwiseTraining => {
  let asked: Waiting | undefined;
  let gate: Waiting | undefined;
  let training: Promise<void> | undefined;
  const onStep = (): Promise<void> => {
    asked?.resolve();
    return new Promise((resolve, reject) => {
      gate = { resolve, reject };
    });
  };
  return {
    step: () =>
      new Promise<void>((resolve, reject) => {
        asked = { resolve, reject };
        if (gate === undefined) {
          training = train(onStep).then(
            () => asked?.reject(new RangeError('the training has no more steps')),
            (error: unknown) => {
              if (!(error instanceof Stopped)) asked?.reject(error);
            },
          );
        } else gate.resolve();
      }),
    stop: async () => {
      gate?.reject(new Stopped());
      await training;
    },
  };
};
