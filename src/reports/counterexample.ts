import { printable } from '../base/index.js';
import type { ClaimReport, ControlReport } from '../claims/index.js';

/** The failing case of a property in one line that can be copied into a replay. */
export const describeCounterexample = ({ id, counterexample }: ClaimReport | ControlReport): string =>
  counterexample === undefined
    ? ''
    : printable(
        `${id}: { seed: ${counterexample.seed}, path: ${JSON.stringify(counterexample.path)} } → ${counterexample.value}`,
      );
