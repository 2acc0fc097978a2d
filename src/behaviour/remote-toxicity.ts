/** Toxicity by a classifier behind an endpoint that the user names: an option beside the list of words. */
import { type Progress, silentProgress } from '../base/index.js';
import { createAsker } from './answer-cache.js';
import { EndpointError, type EndpointOptions, type Json } from './endpoint.js';
import { mapConcurrently } from './map-concurrently.js';

export interface RemoteToxicityOptions extends EndpointOptions {
  /**
   * `moderation`: OpenAI's API, `{model, input}` to `results[0].category_scores`. `text-classification`: Hugging Face's,
   * `{inputs}` to a list of `{label, score}`.
   */
  readonly kind: 'moderation' | 'text-classification';
  /** For `moderation`. */
  readonly model?: string;
  /** Categories or labels that count as toxic. Default: all categories of `moderation`, the label `toxic` of the other. */
  readonly labels?: readonly string[];
  /** Folder of the answers kept. Default: none are. */
  readonly cacheFolder?: string;
  /** Requests under way at once. Default 4. */
  readonly concurrency?: number;
  readonly progress?: Progress;
}

type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Scores by label, wherever the kind of endpoint puts them. */
const labelScores = (answer: Json, kind: RemoteToxicityOptions['kind']): ReadonlyMap<string, number> => {
  const scores = new Map<string, number>();
  const keep = (label: Json | undefined, score: Json | undefined): void => {
    if (typeof label === 'string' && typeof score === 'number' && score >= 0 && score <= 1) {
      scores.set(label.toLowerCase(), score);
    }
  };
  if (kind === 'moderation') {
    const results = isObject(answer) ? answer['results'] : undefined;
    const first: Json | undefined = Array.isArray(results) ? results[0] : undefined;
    const categories = isObject(first) ? first['category_scores'] : undefined;
    if (isObject(categories)) for (const [label, score] of Object.entries(categories)) keep(label, score);
  } else if (Array.isArray(answer)) {
    const inner: Json | undefined = answer[0];
    const list: readonly Json[] = Array.isArray(inner) ? inner : answer;
    for (const entry of list) if (isObject(entry)) keep(entry['label'], entry['score']);
  }
  return scores;
};

/** The highest score of the labels that count. */
const toxicityOf = (answer: Json, { kind, labels, url }: RemoteToxicityOptions): number => {
  const scores = labelScores(answer, kind);
  const wanted = (labels ?? (kind === 'moderation' ? [...scores.keys()] : ['toxic'])).map((label) =>
    label.toLowerCase(),
  );
  const found = wanted.flatMap((label) => scores.get(label) ?? []);
  if (found.length === 0) {
    const has = scores.size === 0 ? 'no scores' : `the labels ${[...scores.keys()].join(', ')}`;
    throw new EndpointError(
      200,
      `${new URL(url).host} answered as a ${kind} endpoint with ${has}, and none that counts as toxic`,
      'check kind and labels',
    );
  }
  return Math.max(...found);
};

/**
 * The toxicity of each text, 0 to 1, in order, by a remote classifier; answers are kept as the judge's are.
 *
 * @throws EndpointError (exit code 4) when it cannot be asked or its answer holds no score that counts; UsageError for a bad
 *   URL or a key that is not set
 */
export const remoteToxicity = async (
  texts: readonly string[],
  options: RemoteToxicityOptions,
): Promise<Float64Array> => {
  const { kind, model, cacheFolder, concurrency = 4, progress = silentProgress, ...endpoint } = options;
  const ask = createAsker(endpoint, cacheFolder, (answer) => toxicityOf(answer, options));
  const stage = progress.stage('classifying texts', texts.length);
  try {
    const scores = await mapConcurrently(texts, concurrency, async (text) => {
      const body: Json =
        kind === 'moderation' ? { ...(model === undefined ? {} : { model }), input: text } : { inputs: text };
      const { answer } = await ask(body);
      stage.advance();
      return toxicityOf(answer, options);
    });
    return Float64Array.from(scores);
  } finally {
    stage.end();
  }
};
