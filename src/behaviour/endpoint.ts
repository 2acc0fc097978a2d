/** JSON over HTTP to a model that the user names: bounded in time, tries and answers; keys stay out of everything kept. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ResourceError, UsageError } from '../base/index.js';

export interface EndpointOptions {
  /** http or https, without user name or password. */
  readonly url: string;
  /** Name of the environment variable that holds the API key. Default: no key is sent. The key itself is never an option. */
  readonly apiKeyVariable?: string;
  /** Of one try. Default 60. */
  readonly timeoutSeconds?: number;
  /** Tries after the first, on 408, 429, 5xx, time-outs and broken connections. Default 4. */
  readonly retries?: number;
  /** Before the first retry; doubled each time, up to 30. A server's Retry-After is heeded up to that too. Default 1. */
  readonly backoffSeconds?: number;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An answer with a status that no retry mends; `status` 0 is none at all. */
export class EndpointError extends ResourceError {
  readonly status: number;

  constructor(status: number, message: string, hint: string, cause?: unknown) {
    super(message, { hint, ...(cause === undefined ? {} : { cause }) });
    this.status = status;
  }
}

/** Longest answer that is read, in characters. */
const maxAnswer = 4 * 2 ** 20;
const longestWait = 30;
/** Of an answer, what an error shows. */
const excerptLength = 300;

/**
 * The URL of an endpoint, checked.
 *
 * @throws UsageError unless it is http(s) and free of user names and passwords
 */
export const endpointUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(`${JSON.stringify(text)} is not the URL of an endpoint`, {
      hint: 'give one that starts with http:// or https://',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(`the URL of ${url.host} holds a user name or password`, {
      hint: 'put the key into an environment variable and name that instead',
    });
  }
  return url;
};

const readKey = (variable: string | undefined): string | undefined => {
  if (variable === undefined) return undefined;
  const key = process.env[variable]?.trim();
  if (!key) {
    throw new UsageError(`the environment variable ${variable} holds no API key`, {
      hint: `set ${variable}, or name another variable`,
    });
  }
  return key;
};

/** What an error shows of an answer: short, on one line. */
const excerpt = (text: string): string => {
  const clean = text.replace(/\s+/g, ' ').trim();
  return clean.length > excerptLength ? `${clean.slice(0, excerptLength)}…` : clean;
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterSeconds: number | undefined;
}

const askOnce = async (
  url: URL,
  body: string,
  key: string | undefined,
  timeoutSeconds: number,
): Promise<Answer> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body,
    // A redirect could carry the key elsewhere.
    redirect: 'error',
    signal: AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000)),
  });
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > maxAnswer) break;
  }
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return {
    status: response.status,
    // Answers are kept and shown: a server that repeats the key must not get it there.
    text: key === undefined ? text : text.replaceAll(key, '[key]'),
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
  };
};

const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const describeFailure = (error: unknown, timeoutSeconds: number): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer in ${timeoutSeconds} s`;
  const { cause } = error;
  return cause instanceof Error ? cause.message || error.message : error.message;
};

const parseAnswer = (text: string, host: string): Json => {
  if (text.length > maxAnswer) {
    throw new EndpointError(
      200,
      `${host} answered with more than ${maxAnswer} characters`,
      'is it the right URL?',
    );
  }
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new EndpointError(
      200,
      `${host} did not answer with JSON: ${excerpt(text)}`,
      'is it the right URL?',
      cause,
    );
  }
};

/**
 * Posts JSON and gives the JSON that comes back. This is one of the few places of dsteer that use a network, and only where
 * an endpoint is named.
 *
 * @throws EndpointError (exit code 4) when all tries fail, an answer says that another try is of no use, or is no JSON;
 *   UsageError for a bad URL or a key that is not set
 */
export const postJson = async (
  { url: address, apiKeyVariable, timeoutSeconds = 60, retries = 4, backoffSeconds = 1 }: EndpointOptions,
  body: Json,
): Promise<Json> => {
  const url = endpointUrl(address);
  const key = readKey(apiKeyVariable);
  const text = JSON.stringify(body);
  for (let attempt = 0; ; attempt++) {
    let failure: { readonly status: number; readonly what: string; readonly cause?: unknown };
    let wait = Math.min(longestWait, backoffSeconds * 2 ** attempt);
    try {
      const answer = await askOnce(url, text, key, timeoutSeconds);
      if (answer.status >= 200 && answer.status < 300) return parseAnswer(answer.text, url.host);
      failure = { status: answer.status, what: `${answer.status} ${excerpt(answer.text)}`.trim() };
      wait = Math.min(longestWait, Math.max(wait, answer.retryAfterSeconds ?? 0));
    } catch (error) {
      if (error instanceof EndpointError) throw error;
      failure = { status: 0, what: describeFailure(error, timeoutSeconds), cause: error };
    }
    const { status, what, cause } = failure;
    if (status !== 0 && !mayPass(status)) {
      const hint =
        status === 401 || status === 403
          ? 'check the key in the environment variable that apiKeyVariable names'
          : 'check the URL, the name of the model and the parameters';
      throw new EndpointError(status, `${url.host} refuses: ${what}`, hint);
    }
    if (attempt >= retries) {
      throw new EndpointError(
        status,
        `${url.host} gave no answer in ${attempt + 1} tries, last: ${what}`,
        'is the server up, and its limit of requests not used up?',
        cause,
      );
    }
    await sleep(wait * 1000);
  }
};
