/** Texts that a model writes under a steering vector, side by side for several λ. */
import { InputError, type Progress, UsageError } from '../base/index.js';
import { encodePrompt, loadTokenizer, type ModelTokenizer } from '../data/index.js';
import { type EngineName, startEngine } from '../engine/index.js';
import { loadModel, loadModelConfig, type SamplingRule } from '../model/index.js';
import {
  generateSteered,
  type InterventionKind,
  readSteeringVectors,
  type Site,
  type SteeredLayers,
  selectInterventions,
  selectSites,
  writeControlVector,
  writeSteeringVectors,
} from '../steering/index.js';

export interface SteerModelOptions {
  readonly model: string;
  /** Safetensors with `residual` [L, d] or `postNorm` [d], or a llama.cpp control vector (GGUF). */
  readonly vector: string;
  readonly lambdas: readonly number[];
  readonly prompts: readonly string[];
  /** Default: the final hidden state where the file has a vector for it, else every layer that has one. */
  readonly layers?: readonly SteeredLayers[];
  /** Default `add`. */
  readonly kind?: InterventionKind;
  /** Default false. */
  readonly normPreserving?: boolean;
  /** Take prompts for a user's messages, through the model's chat template. Default false. */
  readonly chat?: boolean;
  /** Draw tokens; left out: the likeliest each time. */
  readonly sampling?: SamplingRule;
  /** Of the draws; every λ gets the same random numbers. Default 0. */
  readonly seed?: number;
  /** Default 64. */
  readonly maxNewTokens?: number;
  readonly engine: EngineName | 'auto';
  readonly progress: Progress;
}

export interface SteeredText {
  readonly prompt: string;
  readonly lambda: number;
  /** What follows the prompt, without the token that ends it. */
  readonly text: string;
  /** New tokens, the ending one included. */
  readonly tokens: readonly number[];
  /** Whether the model ended the text by itself. */
  readonly ended: boolean;
}

export interface SteerModelResult {
  readonly model: string;
  readonly vector: string;
  /** Where the vectors act. */
  readonly sites: readonly Site[];
  readonly kind: InterventionKind;
  /** ‖v‖ of each site: λ belongs to a vector, and means little without its length. */
  readonly norms: readonly number[];
  /** `null`: greedy. */
  readonly sampling: (SamplingRule & { readonly seed: number }) | null;
  /** Prompt by prompt, in each the λ in the order given. */
  readonly texts: readonly SteeredText[];
}

const encode = (tokenizer: ModelTokenizer, prompt: string, chat: boolean): Int32Array => {
  const ids = chat
    ? tokenizer.encodeChat([{ role: 'user', content: prompt }], { addGenerationPrompt: true })
    : encodePrompt(tokenizer, prompt);
  if (ids.length > 0) return ids;
  throw new InputError('a prompt has no tokens, and the tokenizer no BOS to stand for it');
};

/** The text that new tokens add: some tokenizers take off the space that begins a text, so both are decoded. */
const continuation = (tokenizer: ModelTokenizer, prompt: Int32Array, tokens: Int32Array): string => {
  const before = tokenizer.decode(prompt);
  const whole = tokenizer.decode([...prompt, ...tokens]);
  return whole.startsWith(before) ? whole.slice(before.length) : tokenizer.decode(tokens);
};

const normOf = (vector: ArrayLike<number>): number =>
  Math.sqrt(Array.from(vector).reduce((sum, value) => sum + value * value, 0));

/**
 * Continues each prompt under λ times the vectors, for every λ, from a key–value cache.
 *
 * @throws InputError for files that cannot be used; UsageError for vectors that do not fit the model, or senseless options
 */
export const steerModel = async ({
  model: folder,
  vector: file,
  lambdas,
  prompts,
  layers,
  kind = 'add',
  normPreserving = false,
  chat = false,
  sampling,
  seed = 0,
  maxNewTokens = 64,
  engine,
  progress,
}: SteerModelOptions): Promise<SteerModelResult> => {
  if (prompts.length === 0 || lambdas.length === 0) throw new UsageError('there is nothing to generate');
  const vectors = await readSteeringVectors(file);
  const config = await loadModelConfig(folder);
  const sites = selectSites(config, vectors, layers);
  const tokenizer = await loadTokenizer(folder);
  const encoded = prompts.map((prompt) => encode(tokenizer, prompt, chat));
  const { name } = await startEngine(engine);
  progress.note(`engine ${name}`);
  const model = await loadModel(folder);
  try {
    const endings = new Set(config.eosTokenIds);
    if (tokenizer.eosId !== undefined) endings.add(tokenizer.eosId);
    const byLambda: { readonly lambda: number; readonly texts: readonly Int32Array[] }[] = [];
    for (const lambda of lambdas) {
      const interventions = selectInterventions(model, vectors, {
        layers: sites.map((site) => (site === 'postNorm' ? 'final' : site)),
        kind,
        lambda,
        normPreserving,
      });
      const texts = await generateSteered(model, encoded, {
        interventions,
        maxNewTokens,
        eosTokenIds: [...endings],
        progress,
        ...(sampling ? { sampling: { ...sampling, seed } } : {}),
      });
      byLambda.push({ lambda, texts });
    }
    const texts = encoded.flatMap((ids, index) =>
      byLambda.map(({ lambda, texts: own }): SteeredText => {
        const tokens = own[index] ?? new Int32Array(0);
        const ended = endings.has(tokens.at(-1) ?? -1);
        const said = ended ? tokens.subarray(0, -1) : tokens;
        return {
          prompt: prompts[index] ?? '',
          lambda,
          text: continuation(tokenizer, ids, said),
          tokens: [...tokens],
          ended,
        };
      }),
    );
    const norms = sites.map((site) =>
      normOf((site === 'postNorm' ? vectors.postNorm : vectors.residual.get(site)) ?? []),
    );
    return {
      model: folder,
      vector: file,
      sites,
      kind,
      norms,
      sampling: sampling ? { ...sampling, seed } : null,
      texts,
    };
  } finally {
    model.dispose();
  }
};

/** llama.cpp's names of architectures, where they are not Hugging Face's. Mistral and Llama are one there. */
const llamaCppNames: Readonly<Record<string, string>> = { mistral: 'llama', gpt_neox: 'gptneox' };

/**
 * Writes a file of steering vectors in another format: a control vector where the name ends in `.gguf`, else safetensors.
 *
 * @returns one sentence about what was written
 * @throws InputError or UsageError as `steerModel`, and where no vector has a place in the format
 */
export const exportVectors = async (folder: string, file: string, out: string): Promise<string> => {
  const vectors = await readSteeringVectors(file);
  const config = await loadModelConfig(folder);
  selectSites(config, vectors, [
    ...(vectors.postNorm ? (['final'] as const) : []),
    ...vectors.residual.keys(),
  ]);
  if (!out.toLowerCase().endsWith('.gguf')) {
    await writeSteeringVectors(out, vectors);
    return `${vectors.residual.size} layers${vectors.postNorm ? ' and the final hidden state' : ''}`;
  }
  const modelHint = llamaCppNames[config.architecture] ?? config.architecture;
  const written = await writeControlVector(out, vectors, { modelHint });
  const left = [
    ...[...vectors.residual.keys()]
      .filter((layer) => !written.includes(layer))
      .map((layer) => `layer ${layer}`),
    ...(vectors.postNorm ? ['the final hidden state'] : []),
  ];
  return `control vector of layers ${written.join(', ')}${left.length > 0 ? `; llama.cpp has no place for ${left.join(' and ')}` : ''}`;
};
