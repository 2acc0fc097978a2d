/**
 * dsteer in vitest (4 or later): claims as tests of your own suite, and matchers for activations. Importing this file adds the
 * matchers to `expect`.
 */
import { expect } from 'vitest';
import { type ActivationMatchers, activationMatchers } from './activation-matchers.js';

export {
  type ActivationMatchers,
  type Activations,
  activationMatchers,
  type MatcherOptions,
} from './activation-matchers.js';
export { type DescribeClaimsOptions, describeClaims } from './describe-claims.js';

expect.extend(activationMatchers);

declare module 'vitest' {
  interface Matchers<T> extends ActivationMatchers<T> {}
}
