import { type GenerateOptions, generate, type LanguageModel } from '../model/index.js';
import type { Intervention } from './intervention.js';
import { interventionHooks } from './intervention-hooks.js';

export interface SteeredGeneration extends Omit<GenerateOptions, 'interventions'> {
  /** Interventions for all prompts. Default: none. */
  readonly interventions?: readonly Intervention[];
  /**
   * Interventions by prompt (cross-fitting steers one half with the other half's vector); takes the place of
   * `interventions`. Return the same array for prompts that share them: they are run together.
   */
  readonly interventionsFor?: (promptIndex: number) => readonly Intervention[];
}

/**
 * Continues each prompt under its interventions, in every pass: on positions `completion`, the last prompt token and all
 * that follow. A prompt's continuation does not depend on which prompts are run beside it, beyond rounding.
 *
 * @returns the new tokens of each prompt, in order
 * @throws UsageError for interventions that do not fit the model; otherwise as `generate`
 */
export const generateSteered = async (
  model: LanguageModel,
  prompts: readonly Int32Array[],
  { interventions = [], interventionsFor, sampling, ...options }: SteeredGeneration,
): Promise<Int32Array[]> => {
  const groups = new Map<readonly Intervention[], number[]>();
  for (const index of prompts.keys()) {
    const key = interventionsFor?.(index) ?? interventions;
    const group = groups.get(key);
    if (group) group.push(index);
    else groups.set(key, [index]);
  }
  const results = prompts.map(() => new Int32Array());
  for (const [own, group] of groups) {
    const continuations = await generate(
      model,
      group.flatMap((index) => prompts[index] ?? []),
      {
        ...options,
        interventions: (promptLengths) => interventionHooks(model, own, promptLengths),
        ...(sampling
          ? {
              sampling: {
                ...sampling,
                streamOf: (member: number) => {
                  const index = group[member] ?? 0;
                  return sampling.streamOf?.(index) ?? index;
                },
              },
            }
          : {}),
      },
    );
    for (const [member, index] of group.entries()) {
      results[index] = Int32Array.from(continuations[member] ?? []);
    }
  }
  return results;
};
