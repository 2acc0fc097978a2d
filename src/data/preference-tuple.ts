/** One preference: of two completions of one prompt, which is to be preferred. */
export interface PreferenceTuple {
  readonly id: string;
  readonly prompt: string;
  /** The preferred completion, with its leading space. */
  readonly chosen: string;
  readonly rejected: string;
  /** The sentence or document the prompt comes from: the cluster of the bootstrap, the unit of every split. */
  readonly source: string;
  /** The words put behind the source sentence, where there are any. */
  readonly frame?: string;
  /** Whether training prompts use the frame too. */
  readonly frameSplit?: 'seen' | 'unseen';
  /** The label of the source sentence; the preference does not depend on it. */
  readonly polarity?: 'positive' | 'negative';
  /** The part of a mixture it belongs to. */
  readonly population?: string;
  /** What the prompt begins with and must keep when it is cut to length: the words that tell a part of a mixture. */
  readonly cue?: string;
}
