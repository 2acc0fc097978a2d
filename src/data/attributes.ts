/**
 * The axes along which the completions of the shipped prompts can differ:
 * - `sentiment`: a positive word over a negative one, as shipped;
 * - `brevity`: a word over the same word led by idle ones: " good" over " still just good";
 * - `punctuation`: a pause over a colon: "... good" over ": good";
 * - `casing`: a small initial over a capital one: " good" over " Good";
 * - `formality`: a formal word of degree over a colloquial one: " truly good" over " totally good".
 */
export const attributes = ['sentiment', 'brevity', 'punctuation', 'casing', 'formality'] as const;

export type Attribute = (typeof attributes)[number];

/** Whether a name is an attribute's. */
export const isAttribute = (name: string): name is Attribute =>
  (attributes as readonly string[]).includes(name);
