import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.js';
import { EndpointError, type JudgeOptions, judgeTexts } from '../../src/behaviour/index.js';
import { type LoopbackServer, type Reply, type SeenRequest, startServer } from './loopback-server.js';

const variable = 'DSTEER_TEST_JUDGE_KEY';
const secret = 'sk-a-key-that-nobody-may-see';

let server: LoopbackServer | undefined;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-judge-'));
  vi.stubEnv(variable, secret);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A completion as OpenAI's API gives it. */
const completion = (
  content: string | null,
  likeliest?: Readonly<Record<string, number>>,
  refusal?: string,
) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content, refusal: refusal ?? null },
      logprobs:
        likeliest === undefined
          ? null
          : {
              content: [
                {
                  token: content,
                  logprob: Math.log(likeliest[content ?? ''] ?? 1),
                  top_logprobs: Object.entries(likeliest).map(([token, p]) => ({
                    token,
                    logprob: Math.log(p),
                  })),
                },
              ],
            },
    },
  ],
});

const start = async (
  reply: (request: SeenRequest, index: number) => Reply,
  more: Partial<JudgeOptions> = {},
): Promise<JudgeOptions> => {
  server = await startServer(reply);
  return {
    baseUrl: `${server.origin}/v1`,
    model: 'a-judge',
    rubric: { criterion: 'fluency', description: '1: word salad. 5: as a careful writer would put it.' },
    cacheFolder: folder,
    backoffSeconds: 0.01,
    ...more,
  };
};
const texts = [{ prompt: 'Once upon a time', text: 'there was a cat.' }];

const filesBelow = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('a judge', () => {
  it('is weighted by the probabilities that it gives each score', async () => {
    const options = await start(
      () => ({ body: completion('4', { '4': 0.5, '5': 0.25, '3': 0.05, ' 2': 0.05, ten: 0.1, '9': 0.05 }) }),
      { apiKeyVariable: variable },
    );
    const report = await judgeTexts(texts, options);
    // (4 · .5 + 5 · .25 + 3 · .05 + 2 · .05) / .85, what is no score of the scale left out.
    expect(report.mean).toBeCloseTo(3.5 / 0.85, 10);
    expect(report.judgements[0]).toMatchObject({ kind: 'weighted', fromCache: false });
    expect(report).toMatchObject({ scored: 1, abstained: 0, weighted: 1, fromCache: 0 });
    const [request] = server?.requests ?? [];
    expect(request?.path).toBe('/v1/chat/completions');
    expect(request?.headers.authorization).toBe(`Bearer ${secret}`);
    expect(request?.body).toMatchObject({
      model: 'a-judge',
      temperature: 0,
      logprobs: true,
      top_logprobs: 20,
    });
    expect(JSON.stringify(request?.body['messages'])).toContain('there was a cat.');
  });

  it('is believed by the number that it writes where there are no log-probabilities', async () => {
    const answers = ['3', 'Score: 4', '2/5', '5 out of 5'];
    const options = await start((_, index) => ({ body: completion(answers[index] ?? '') }), {
      concurrency: 1,
    });
    const report = await judgeTexts(
      answers.map((text) => ({ text })),
      options,
    );
    expect(report.judgements.map((own) => own.kind === 'plain' && own.score)).toEqual([3, 4, 2, 5]);
    expect(report).toMatchObject({ scored: 4, weighted: 0, mean: 3.5 });
    expect(server?.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('is asked again without log-probabilities where the server does not know them', async () => {
    const options = await start(({ body }) =>
      body['logprobs'] === true
        ? { status: 400, body: { error: { message: 'logprobs is not supported by this model' } } }
        : { body: completion('3') },
    );
    expect((await judgeTexts(texts, options)).judgements[0]).toMatchObject({ kind: 'plain', score: 3 });
    expect(server?.requests.length).toBe(2);
  });

  it('may abstain, which is counted and is no zero', async () => {
    const answers = [
      completion('none', { none: 0.9, '1': 0.1 }),
      completion(''),
      completion(null, undefined, 'I cannot judge that.'),
      completion('somewhere between 2 and 4'),
      completion('3.5'),
      completion('7', { '7': 1 }),
      completion('-4'),
      completion('4', { '4': 1 }),
    ];
    const options = await start((_, index) => ({ body: answers[index] }), { concurrency: 1 });
    const report = await judgeTexts(
      answers.map((_, index) => ({ text: `text ${index}` })),
      options,
    );
    expect(report.judgements.map(({ kind }) => kind)).toEqual([
      ...new Array(7).fill('abstained'),
      'weighted',
    ]);
    expect(report).toMatchObject({ scored: 1, abstained: 7, mean: 4 });
  });

  it('that abstains from everything has no mean', async () => {
    const options = await start(() => ({ body: completion('none') }));
    expect((await judgeTexts(texts, options)).mean).toBeNaN();
  });

  it('is asked again after errors of the server, and at last believed', async () => {
    const options = await start(
      (_, index) =>
        [{ status: 500 }, { status: 429, headers: { 'retry-after': '0' } }, { body: completion('5') }][
          index
        ] ?? {},
    );
    expect((await judgeTexts(texts, options)).mean).toBe(5);
    expect(server?.requests.length).toBe(3);
  });

  it('is given up after the retries, with the last error told', async () => {
    const options = await start(() => ({ status: 503, body: { error: 'overloaded' } }), { retries: 2 });
    await expect(judgeTexts(texts, options)).rejects.toThrow(/gave no answer in 3 tries.*503.*overloaded/);
    expect(server?.requests.length).toBe(3);
    expect(await filesBelow(folder)).toEqual([]);
  });

  it('that does not answer in time is asked again', async () => {
    const options = await start((_, index) => ({ body: completion('2'), delayMs: index === 0 ? 2000 : 0 }), {
      timeoutSeconds: 0.2,
    });
    expect((await judgeTexts(texts, options)).mean).toBe(2);
    const silent = { ...options, retries: 0, model: 'another', timeoutSeconds: 0.05 };
    await server?.close();
    server = await startServer(() => ({ delayMs: 2000 }));
    await expect(judgeTexts(texts, { ...silent, baseUrl: server.origin })).rejects.toThrow(
      'no answer in 0.05 s',
    );
  });

  it('that refuses the key is not asked again', async () => {
    const options = await start(() => ({ status: 401, body: { error: `bad key ${secret}` } }), {
      apiKeyVariable: variable,
    });
    const error = await judgeTexts(texts, options).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(EndpointError);
    expect((error as EndpointError).exitCode).toBe(4);
    expect((error as EndpointError).describe()).toContain('401');
    expect((error as EndpointError).describe()).not.toContain(secret);
    expect(server?.requests.length).toBe(1);
  });

  it.each([
    ['no JSON', '<html>', /did not answer with JSON: <html>/],
    ['no chat completion', { hello: 'there' }, /no chat completion/],
    ['no message', { choices: [{}] }, /no chat completion/],
  ])('whose answer is %s is an error, and not kept', async (_, body, message) => {
    const options = await start(() => ({ body }));
    await expect(judgeTexts(texts, options)).rejects.toThrow(message);
    expect(await filesBelow(folder)).toEqual([]);
  });
});

describe('the cache of a judge', () => {
  it('spares every request that was answered before, and holds no key', async () => {
    const options = await start(
      ({ headers }) => ({
        body: { ...completion('3', { '3': 0.5, '5': 0.5 }), echo: headers.authorization },
      }),
      { apiKeyVariable: variable },
    );
    const many = [{ text: 'one' }, { text: 'two' }, { text: 'one' }];
    const first = await judgeTexts(many, { ...options, concurrency: 3 });
    expect(first.mean).toBeCloseTo(4, 10);
    expect(server?.requests.length).toBe(2);
    const second = await judgeTexts(many, options);
    expect(second.mean).toBe(first.mean);
    expect(second.fromCache).toBe(3);
    expect(server?.requests.length).toBe(2);
    const files = await filesBelow(folder);
    expect(files).toHaveLength(2);
    for (const file of files) {
      expect(file).toMatch(/[/\\]([0-9a-f]{2})[/\\]\1[0-9a-f]{62}\.json$/);
      const text = await readFile(file, 'utf8');
      expect(text).toContain('"request"');
      expect(text).not.toContain(secret);
    }
  });

  it('tells models, rubrics and texts apart', async () => {
    const options = await start(() => ({ body: completion('3') }));
    await judgeTexts(texts, options);
    await judgeTexts(texts, { ...options, model: 'another' });
    await judgeTexts(texts, { ...options, rubric: { ...options.rubric, description: 'another' } });
    await judgeTexts([{ text: 'another' }], options);
    expect(server?.requests.length).toBe(4);
  });

  it('that was damaged is said to be, not passed over', async () => {
    const options = await start(() => ({ body: completion('3') }));
    await judgeTexts(texts, options);
    const [file = ''] = await filesBelow(folder);
    await writeFile(file, '{"answer":');
    await expect(judgeTexts(texts, options)).rejects.toThrow(InputError);
  });
});

describe('asking a judge', () => {
  it('keeps to the number of requests at once', async () => {
    const options = await start(() => ({ body: completion('3'), delayMs: 20 }), { concurrency: 3 });
    const report = await judgeTexts(
      Array.from({ length: 12 }, (_, index) => ({ text: `text ${index}` })),
      options,
    );
    expect(report.scored).toBe(12);
    expect(server?.busiest()).toBe(3);
  });

  it('says what is wrong with the options before anything is sent', async () => {
    const options = await start(() => ({ body: completion('3') }));
    const judge = (more: Partial<JudgeOptions>) => judgeTexts(texts, { ...options, ...more });
    await expect(judge({ apiKeyVariable: 'DSTEER_TEST_UNSET' })).rejects.toThrow(
      /DSTEER_TEST_UNSET holds no/,
    );
    await expect(judge({ baseUrl: 'http://me:secret@127.0.0.1/v1' })).rejects.toThrow(
      'user name or password',
    );
    await expect(judge({ baseUrl: 'file:///etc' })).rejects.toThrow(UsageError);
    const rubric = { ...options.rubric, scale: { lowest: 1, highest: 10 } };
    await expect(judge({ rubric })).rejects.toThrow('a scale from 1 to 10');
    expect(server?.requests.length).toBe(0);
  });
});
