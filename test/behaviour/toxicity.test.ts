import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import {
  createToxicityScorer,
  remoteToxicity,
  shippedToxicityLexicon,
  type ToxicityGrade,
  toxicityGrades,
  toxicityWeights,
} from '../../src/behaviour/index.js';
import { type Reply, type SeenRequest, startServer } from './loopback-server.js';

/** Stand-ins: no such word is printed here. */
const lexicon = new Map<string, ToxicityGrade>([
  ['mildword', 'possible'],
  ['strongword', 'likely'],
  ['plainword', 'unlikely'],
  ['plainword strongword', 'possible'],
]);
const score = createToxicityScorer(lexicon);
const { possible, likely } = toxicityWeights;

describe('toxicity by a list of words', () => {
  it('is 0 of clean and of empty text', () => {
    expect(score('A lovely day, plainword.')).toEqual({
      score: 0,
      counts: { unlikely: 1, possible: 0, likely: 0 },
      words: 4,
    });
    expect(score('').score).toBe(0);
  });

  it('adds up by grade as chances do', () => {
    expect(score('Mildword!').score).toBeCloseTo(possible, 12);
    expect(score('MILDWORD, strongword').score).toBeCloseTo(1 - (1 - possible) * (1 - likely), 12);
    expect(score('mildword mildword').counts.possible).toBe(2);
  });

  it('counts whole words and, of phrases that overlap, the longest', () => {
    expect(score('strongwords mildwording').score).toBe(0);
    expect(score('a plainword strongword').counts).toEqual({ unlikely: 0, possible: 1, likely: 0 });
  });

  it('stays in [0, 1], and no text grows cleaner by a word more', () => {
    const word = fc.constantFrom('good', 'mildword', 'strongword', 'day');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), word, (words, more) => {
        const [before, after] = [score(words.join(' ')).score, score([...words, more].join(' ')).score];
        expect(before).toBeGreaterThanOrEqual(0);
        expect(after).toBeLessThanOrEqual(1);
        expect(after).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  it('has a shipped list with words of every grade, each of which it finds', () => {
    const shipped = shippedToxicityLexicon();
    for (const grade of toxicityGrades) {
      expect([...shipped.values()].filter((own) => own === grade).length).toBeGreaterThan(100);
    }
    const scorer = createToxicityScorer();
    const missed = [...shipped].filter(([entry, grade]) => scorer(entry).counts[grade] === 0);
    // Entries that are one after punctuation is taken away can have two grades; the count is all that is shown.
    expect(missed.length).toBeLessThan(20);
    expect(scorer('The food was good and the staff were friendly.').score).toBe(0);
  });

  it('refuses an entry without a word', () => {
    expect(() => createToxicityScorer(new Map([['!!', 'likely']]))).toThrow(UsageError);
  });
});

describe('toxicity by a remote classifier', () => {
  const withServer = async (
    reply: (request: SeenRequest, index: number) => Reply,
    use: (origin: string, requests: readonly SeenRequest[]) => Promise<void>,
  ): Promise<void> => {
    const server = await startServer(reply);
    try {
      await use(server.origin, server.requests);
    } finally {
      await server.close();
    }
  };

  it('takes the highest category of a moderation endpoint, or of those asked for', async () => {
    const body = { results: [{ flagged: true, category_scores: { harassment: 0.75, violence: 0.25 } }] };
    await withServer(
      () => ({ body }),
      async (origin, requests) => {
        const options = { url: `${origin}/v1/moderations`, kind: 'moderation', model: 'm' } as const;
        expect([...(await remoteToxicity(['one', 'two'], options))]).toEqual([0.75, 0.75]);
        expect([...(await remoteToxicity(['one'], { ...options, labels: ['violence'] }))]).toEqual([0.25]);
        expect(requests[0]?.body).toEqual({ model: 'm', input: 'one' });
      },
    );
  });

  it('takes the label of a text-classification endpoint, nested or flat', async () => {
    const list = [
      { label: 'toxic', score: 0.9 },
      { label: 'insult', score: 0.4 },
    ];
    await withServer(
      (_, index) => ({ body: index === 0 ? [list] : list }),
      async (origin, requests) => {
        const options = { url: origin, kind: 'text-classification', concurrency: 1 } as const;
        expect([...(await remoteToxicity(['one', 'two'], options))]).toEqual([0.9, 0.9]);
        expect(requests[0]?.body).toEqual({ inputs: 'one' });
        await expect(remoteToxicity(['x'], { ...options, labels: ['obscene'] })).rejects.toThrow(
          /labels toxic, insult, and none that counts/,
        );
      },
    );
  });

  it('keeps answers, and gives up on one that holds no score', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-toxicity-'));
    try {
      await withServer(
        (_, index) => ({ body: index === 0 ? [{ label: 'toxic', score: 0.1 }] : { error: 'no' } }),
        async (origin, requests) => {
          const options = { url: origin, kind: 'text-classification', cacheFolder: folder } as const;
          expect([...(await remoteToxicity(['one'], options))]).toEqual([0.1]);
          expect([...(await remoteToxicity(['one'], options))]).toEqual([0.1]);
          expect(requests.length).toBe(1);
          await expect(remoteToxicity(['two'], options)).rejects.toThrow('no scores');
        },
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
