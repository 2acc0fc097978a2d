/** Names everything that a job's result depends on: code, engine, specification, inputs, seed. */
import { codeHash, sha256Hex, stableJson } from '../../store/index.js';
import type { InputHash } from '../inputs.js';
import type { Job } from './job.js';

/** Fingerprint of a job without its tasks; equal ones may share results. */
export const requestOf = async (job: Job, engine: string, inputs: readonly InputHash[]): Promise<string> => {
  return sha256Hex(
    stableJson({
      code: await codeHash(),
      engine,
      experiment: job.experiment?.value ?? null,
      seed: job.seed,
      inputs: inputs.map(({ sha256 }) => sha256),
    }),
  );
};
