/** What a chat completion says of a score on a scale of one-digit numbers. */
import { EndpointError, type Json } from './endpoint.js';

/** Whole numbers from `lowest` to `highest`, each of one digit, so that each is one token. */
export interface Scale {
  readonly lowest: number;
  readonly highest: number;
}

/** A token that might have stood where the score stands. */
interface Candidate {
  readonly token: string;
  readonly logp: number;
}

export interface ChatAnswer {
  readonly content: string;
  readonly refusal: string | undefined;
  /** Tokens of the content in order, each with the likeliest at its place; none where the server gives no log-probabilities. */
  readonly tokens: readonly { readonly token: string; readonly likeliest: readonly Candidate[] }[];
}

type JsonObject = { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

const candidateOf = (value: Json): Candidate[] => {
  if (!isObject(value)) return [];
  const { token, logprob } = value;
  return typeof token === 'string' && typeof logprob === 'number' ? [{ token, logp: logprob }] : [];
};

/**
 * Reads an answer of the chat-completions API.
 *
 * @throws EndpointError where it is none: no choice, no message
 */
export const readChatAnswer = (answer: Json): ChatAnswer => {
  const choice = isObject(answer) ? listOf(answer['choices'])[0] : undefined;
  const message = isObject(choice) ? choice['message'] : undefined;
  if (!isObject(choice) || !isObject(message)) {
    const seen = JSON.stringify(answer).slice(0, 120);
    throw new EndpointError(
      200,
      `the judge's answer is no chat completion, which has choices[0].message: ${seen}`,
      'give the URL of a chat-completions endpoint',
    );
  }
  const { content, refusal } = message;
  const logprobs = isObject(choice['logprobs']) ? listOf(choice['logprobs']['content']) : [];
  return {
    content: typeof content === 'string' ? content : '',
    refusal: typeof refusal === 'string' && refusal !== '' ? refusal : undefined,
    tokens: logprobs.flatMap((entry) =>
      isObject(entry) && typeof entry['token'] === 'string'
        ? [{ token: entry['token'], likeliest: listOf(entry['top_logprobs']).flatMap(candidateOf) }]
        : [],
    ),
  };
};

export type ScoreReading =
  /** `weighted`: Σ p·score / Σ p over the scores among the likeliest tokens, whose Σ p is `mass`. */
  | { readonly kind: 'weighted'; readonly score: number; readonly mass: number }
  /** The number that was written; the server gave no log-probabilities for it. */
  | { readonly kind: 'plain'; readonly score: number }
  | { readonly kind: 'abstained'; readonly reason: string };

const scoreOfToken = (token: string, { lowest, highest }: Scale): number | undefined => {
  const text = token.trim();
  if (!/^\d$/.test(text)) return undefined;
  const score = Number(text);
  return score >= lowest && score <= highest ? score : undefined;
};

/** The one number that the text gives, `4` or `4/5`; nothing where it gives none, or several. */
const writtenScore = (content: string, scale: Scale): number | undefined => {
  const numbers = content
    .replace(new RegExp(`\\s*(?:/|out of)\\s*${scale.highest}(?![\\d.])`, 'g'), '')
    .match(/-?\d+(?:[.,]\d+)?/g);
  const [first, second] = numbers ?? [];
  return first === undefined || second !== undefined ? undefined : scoreOfToken(first, scale);
};

/** The expectation of the score under the judge's own probabilities (G-Eval, Liu et al., 2023), or what stands for it. */
export const readScore = ({ content, refusal, tokens }: ChatAnswer, scale: Scale): ScoreReading => {
  if (refusal !== undefined) return { kind: 'abstained', reason: 'refused' };
  if (content.trim() === '') return { kind: 'abstained', reason: 'said nothing' };
  const score = writtenScore(content, scale);
  if (score === undefined) return { kind: 'abstained', reason: 'gave no single score of the scale' };
  const position = tokens.find(({ token }) => scoreOfToken(token, scale) === score);
  let [mass, sum] = [0, 0];
  for (const { token, logp } of position?.likeliest ?? []) {
    const value = scoreOfToken(token, scale);
    if (value === undefined) continue;
    mass += Math.exp(logp);
    sum += value * Math.exp(logp);
  }
  return mass > 0 ? { kind: 'weighted', score: sum / mass, mass } : { kind: 'plain', score };
};
