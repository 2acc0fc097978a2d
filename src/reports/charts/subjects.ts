/** Names and colours of what is compared in charts, the same in each. */

import { type ColorName, palette } from './palette.js';

interface Named {
  readonly label: string;
  readonly color: ColorName;
}

const SUBJECTS: Readonly<Record<string, Named>> = {
  dpo: { label: 'DPO', color: 'policy' },
  base: { label: 'base', color: 'base' },
  policy: { label: 'policy', color: 'policy' },
  inverted: { label: 'policy − v*', color: 'inverted' },
  sft: { label: 'SFT', color: 'sft' },
  'shuffled-labels': { label: 'shuffled labels', color: 'shuffled' },
  'flipped-labels': { label: 'flipped labels', color: 'steered' },
  'placebo-noise': { label: 'weight noise', color: 'noise' },
};

export const subjectLabel = (subject: string): string => SUBJECTS[subject]?.label ?? subject;

/** A colour scale over these subjects, in their order. */
export const subjectScale = (subjects: readonly string[]): { domain: string[]; range: string[] } => ({
  domain: subjects.map(subjectLabel),
  range: subjects.map((subject) => palette[SUBJECTS[subject]?.color ?? 'muted'].light),
});
