import type { VariantControl } from '../metrics/catalogue.js';

/** `dpo` is the policy that the claims are about. */
export type Variant = 'dpo' | VariantControl;

/** A layer 1..L of the residual stream, or the final hidden state. */
export type Site = number | 'postNorm';
