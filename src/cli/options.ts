/** Options that several commands share, and how their texts become values. */

import { InvalidArgumentError, Option } from 'commander';

/** @throws InvalidArgumentError for anything but a whole number of at least `least` */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`A whole number of at least ${least} is needed.`);
    }
    return value;
  };

export const engineOption = (): Option =>
  new Option('--engine <name>', 'what computes tensors: auto, or a name that `dsteer doctor` lists').default(
    'auto',
  );

export const seedOption = (description: string): Option =>
  new Option('--seed <n>', description).argParser(wholeNumber(0));

export const allowOutsideOption = (): Option =>
  new Option(
    '--allow-outside',
    'let specifications name files outside their own folder: only for those that you trust',
  );

export const cacheOption = (): Option =>
  new Option('--no-cache', 'train everything anew, and keep no trained policy for later runs');

export const jsonOption = (what: string): Option =>
  new Option('--json', `print ${what} on stdout and nothing else there`);

/** Help text below the options: a line that can be typed, and what it does. */
export const examples = (...lines: readonly (readonly [command: string, meaning: string])[]): string =>
  ['', 'Examples:', ...lines.map(([command, meaning]) => `  $ ${command}\n      ${meaning}`)].join('\n');

const readShard = (text: string): { readonly index: number; readonly count: number } => {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index === undefined || count === undefined || Number(index) < 1 || Number(index) > Number(count)) {
    throw new InvalidArgumentError('A part of a whole is needed, such as 1/2 or 3/4.');
  }
  return { index: Number(index), count: Number(count) };
};

export const shardOption = (): Option =>
  new Option('--shard <i/n>', 'judge part i of n; `dsteer report merge` puts the parts together').argParser(
    readShard,
  );

/** Exit codes of commands that judge claims. */
export const outcomeCodes = `Exit codes: 0 every outcome is a pass, 1 a fail or an error among them, or a claim of the baseline missing,
2 bad usage, specification or input, 3 only inconclusive verdicts stand in the way (1 with --strict), 4 an engine or
resource is missing, 130 interrupted.`;
