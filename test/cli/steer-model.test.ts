import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetsFolder, encodePrompt, loadTokenizer } from '../../src/data/index.js';
import { startEngine } from '../../src/engine/index.js';
import { generate, loadModel } from '../../src/model/index.js';
import { generateSteered, readSteeringVectors, writeSteeringVectors } from '../../src/steering/index.js';
import { needsStories, storiesFolder, storiesPresent } from '../model/golden.js';
import { run } from './run.js';

const shipped = join(assetsFolder(), 'model');
const [layers, width] = [6, 96];
const vectorOf = (seed: number): Float32Array =>
  Float32Array.from({ length: width }, (_, i) => 3 * Math.sin(seed + i * i));

let folder = '';
let vector = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-steer-'));
  vector = join(folder, 'v.safetensors');
  const residual = new Map(Array.from({ length: layers }, (_, i) => [i + 1, vectorOf(i)]));
  await writeSteeringVectors(vector, { hiddenSize: width, residual, postNorm: vectorOf(99) });
});
afterAll(() => rm(folder, { recursive: true }));

const prompts = ['The food was', 'I really'];
const steer = (...words: string[]) =>
  run(['steer', '--model', shipped, '--vector', vector, '--max-new-tokens', '12', ...words]);
const both = prompts.flatMap((prompt) => ['--prompt', prompt]);

interface Texts {
  sites: unknown;
  norms: number[];
  sampling: unknown;
  texts: { prompt: string; lambda: number; text: string; tokens: number[]; ended: boolean }[];
}
const textsOf = async (...words: string[]): Promise<Texts> => {
  const { code, stdout, stderr } = await steer(...words, '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Texts;
};

describe('dsteer steer --model', () => {
  it('writes what the model itself writes at λ = 0, and what generation under the vector writes elsewhere', async () => {
    const { sites, norms, sampling, texts } = await textsOf(...both, '--lambda', '0', '--lambda', '0.6,2');
    expect({ sites, sampling }).toEqual({ sites: ['postNorm'], sampling: null });
    expect(norms[0]).toBeCloseTo(Math.hypot(...vectorOf(99)), 3);
    expect(texts.map(({ prompt, lambda }) => [prompt, lambda])).toEqual(
      prompts.flatMap((prompt) => [0, 0.6, 2].map((lambda) => [prompt, lambda])),
    );
    await startEngine('auto');
    const [model, tokenizer] = [await loadModel(shipped), await loadTokenizer(shipped)];
    const encoded = prompts.map((prompt) => encodePrompt(tokenizer, prompt));
    const plain = await generate(model, encoded, { maxNewTokens: 12 });
    const { postNorm } = await readSteeringVectors(vector);
    const steered = await generateSteered(model, encoded, {
      maxNewTokens: 12,
      interventions: [
        {
          kind: 'add',
          at: 'postNorm',
          vector: postNorm ?? new Float32Array(),
          lambda: 2,
          positions: 'completion',
        },
      ],
    });
    model.dispose();
    for (const [i, tokens] of plain.entries()) {
      expect(texts[3 * i]?.tokens).toEqual([...tokens]);
      expect(texts[3 * i + 2]?.tokens).toEqual([...(steered[i] ?? [])]);
      expect(texts[3 * i + 2]?.tokens).not.toEqual([...tokens]);
      const { text = '', ended } = texts[3 * i] ?? {};
      const said = ended ? tokens.subarray(0, -1) : tokens;
      expect(tokenizer.decode([...(encoded[i] ?? []), ...said])).toBe(
        `${tokenizer.decode(encoded[i] ?? [])}${text}`,
      );
    }
  });

  it('acts at the layers asked for, adding, removing, and keeping lengths', async () => {
    const at = ['--prompt', 'The food was', '--layers', '2-3,final', '--lambda', '1'];
    const added = await textsOf(...at);
    expect(added.sites).toEqual([2, 3, 'postNorm']);
    const removed = await textsOf(...at, '--ablate');
    const kept = await textsOf(...at, '--norm-preserving');
    const tokens = [added, removed, kept].map(({ texts }) => texts[0]?.tokens.join());
    expect(new Set(tokens).size).toBe(3);
  });

  it('draws the same for a seed, and the likeliest at temperature 0', async () => {
    const draw = (...words: string[]) => textsOf('--prompt', 'The food was', '--lambda', '0', ...words);
    const first = await draw('--temperature', '1.2', '--top-p', '0.95', '--top-k', '40', '--seed', '5');
    expect(first.sampling).toEqual({ temperature: 1.2, topP: 0.95, topK: 40, seed: 5 });
    expect(await draw('--temperature', '1.2', '--top-p', '0.95', '--top-k', '40', '--seed', '5')).toEqual(
      first,
    );
    const other = await draw('--temperature', '1.2', '--seed', '6');
    expect(other.texts[0]?.tokens).not.toEqual(first.texts[0]?.tokens);
    expect((await draw('--temperature', '0')).texts).toEqual((await draw()).texts);
  });

  it('shows texts below their prompts, within the width of the terminal', async () => {
    const { code, stdout } = await steer(...both);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^λ·v added at the final hidden state \(‖v‖ .*greedy/);
    for (const prompt of prompts) expect(stdout).toMatch(new RegExp(`^${prompt}$`, 'm'));
    expect(stdout.match(/^ {2}λ = 0 {2}/gm)?.length).toBe(2);
    expect(stdout.match(/^ {2}λ = 1 {2}/gm)?.length).toBe(2);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });

  it('writes the vectors for llama.cpp, and steers by them as by the originals', async () => {
    const gguf = join(folder, 'v.gguf');
    const written = await steer('--export', gguf);
    expect(written).toMatchObject({ code: 0, stdout: '' });
    expect(written.stderr).toMatch(/layers 2, 3, 4, 5, 6; llama.cpp has no place for layer 1 and the final/);
    const words = ['--prompt', 'The food was', '--lambda', '0.5', '--layers', '2-6', '--json'];
    const original = await steer(...words);
    const again = await run([
      'steer',
      '--model',
      shipped,
      '--vector',
      gguf,
      '--max-new-tokens',
      '12',
      ...words,
    ]);
    expect(JSON.parse(again.stdout).texts).toEqual(JSON.parse(original.stdout).texts);
    // Without a choice, a control vector acts at every layer that it has.
    const all = await run(['steer', '--model', shipped, '--vector', gguf, '--prompt', 'A', '--json']);
    expect(JSON.parse(all.stdout).sites).toEqual([2, 3, 4, 5, 6]);
  });

  it('takes prompts for messages with --chat, and says so where the model has no template', async () => {
    const refused = await steer('--prompt', 'Hi', '--chat');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('no chat template');
    const chatty = join(folder, 'chatty');
    await mkdir(chatty);
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json']) {
      await copyFile(join(shipped, name), join(chatty, name));
    }
    await writeFile(join(chatty, 'tokenizer_config.json'), '{}');
    await writeFile(join(chatty, 'chat_template.jinja'), 'The {{ messages[0].content }} was');
    const chat = await run([
      'steer',
      '--model',
      chatty,
      '--vector',
      vector,
      '--prompt',
      'food',
      '--chat',
      '--json',
      '--lambda',
      '0',
    ]);
    const plain = await run([
      'steer',
      '--model',
      chatty,
      '--vector',
      vector,
      '--prompt',
      'The food was',
      '--json',
      '--lambda',
      '0',
    ]);
    expect(JSON.parse(chat.stdout).texts[0].tokens).toEqual(JSON.parse(plain.stdout).texts[0].tokens);
  });

  it.skipIf(!storiesPresent)(
    `keeps the spaces between a prompt and its continuation${needsStories}`,
    async () => {
      const file = join(folder, 'stories.safetensors');
      await writeSteeringVectors(file, {
        hiddenSize: 64,
        residual: new Map(),
        postNorm: new Float32Array(64).fill(0.1),
      });
      const { stdout } = await run([
        'steer',
        '--model',
        storiesFolder,
        '--vector',
        file,
        '--prompt',
        'Once upon a',
        '--lambda',
        '0',
        '--max-new-tokens',
        '6',
        '--json',
      ]);
      expect(JSON.parse(stdout).texts[0].text).toMatch(/^ time, there/);
    },
  );
});

describe('dsteer steer refuses', () => {
  it.each([
    ['neither experiment nor model', ['steer'], 'needs an experiment, or --model'],
    ['a model without a vector', ['steer', '--model', shipped], '--vector and --prompt'],
    [
      'an experiment with a model',
      ['steer', 'a.yaml', '--model', shipped],
      '--model is for a model of your own',
    ],
    ['an experiment with a temperature', ['steer', 'a.yaml', '--temperature', '1'], '--temperature is for'],
    ['layers it cannot read', ['steer', '--layers', '5-3'], '3 or 3-7'],
    ['a temperature that is no number', ['steer', '--temperature', 'hot'], 'A number is needed'],
  ])('%s', async (_, words, fault) => {
    const { code, stdout, stderr } = await run(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(fault);
    expect(stderr).not.toContain('unexpected');
  });

  it.each([
    ['a layer without a vector', ['--layers', '7'], 'no layer 7'],
    ['ablation with negative λ', ['--ablate', '--lambda', '-1'], 'strengthen'],
    ['a senseless top-p', ['--top-p', '1.5'], 'topP'],
    ['an engine that there is not', ['--engine', 'abacus'], 'no engine'],
  ])('%s', async (_, words, fault) => {
    const { code, stderr } = await steer('--prompt', 'Hi', ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(fault);
  });

  it('a vector of another model, and a file that is none', async () => {
    const other = join(folder, 'other.safetensors');
    await writeSteeringVectors(other, {
      hiddenSize: 8,
      residual: new Map(),
      postNorm: new Float32Array(8).fill(1),
    });
    const words = ['steer', '--model', shipped, '--prompt', 'Hi', '--vector'];
    expect(await run([...words, other])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('8 dimensions cannot steer a model of 96'),
    });
    expect(await run([...words, join(folder, 'nowhere')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot open'),
    });
  });
});
