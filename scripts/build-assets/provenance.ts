/** assets/PROVENANCE.md: where the shipped data comes from, under which licences, in what quantity. */

import type { PreferenceRegime, PreferenceSplit, Tokenizer } from '../../src/data/index.js';
import { sha256Hex } from '../../src/store/index.js';
import type { Corpus } from './corpus.js';
import { SEEN_FRAMES, UNSEEN_FRAMES } from './frames.js';
import type { OpinionWord } from './opinion-words.js';
import { PACKAGES } from './packages.js';
import { HELD_OUT_SPEECHES, type Split } from './split.js';
import { FREQUENCY_BIN, TOKEN_BIN } from './word-pairs.js';

export interface ProvenanceFacts {
  readonly split: Split;
  readonly words: readonly OpinionWord[];
  readonly preferences: Readonly<Record<PreferenceRegime, PreferenceSplit>>;
  readonly tokenizer: Tokenizer;
  readonly corpus: Corpus['counts'];
  /** What scripts/pretrain.ts recorded, once the model is trained. */
  readonly model: ModelRecord | undefined;
  /** The same of each rung of the ladder, by its name. */
  readonly ladder: Readonly<Record<string, ModelRecord>>;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export interface ModelRecord {
  readonly parameters: number;
  readonly steps: number;
  readonly tokens: number;
  readonly passesOverTheCorpus: number;
  readonly heldOut: Readonly<
    Record<'speeches' | 'reviews', { readonly natsPerToken: number; readonly perplexity: number }>
  >;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

/** Lines of at most 120 characters. */
const wrap = (text: string): string =>
  text
    .split(/\s+/)
    .reduce<string[]>((lines, word) => {
      const last = lines.at(-1);
      if (last === undefined || last.length + word.length + 1 > 120) lines.push(word);
      else lines[lines.length - 1] = `${last} ${word}`;
      return lines;
    }, [])
    .join('\n');

const count = (value: number): string => value.toLocaleString('en-US');

const regimeRows = ({ preferences, tokenizer, words }: ProvenanceFacts): string[] => {
  const frequency = new Map(words.map((word) => [word.word, word.frequency]));
  const tokens = (text: string): number => tokenizer.encode(text).length;
  return Object.entries(preferences).flatMap(([regime, halves]) =>
    Object.entries(halves).map(([half, tuples]: [string, PreferenceSplit['train']]) => {
      const prompts = tuples.map(({ prompt }) => tokens(prompt) + 1);
      const ratios = tuples.map(({ chosen, rejected }) =>
        Math.log10((frequency.get(chosen.trim()) ?? 1) / (frequency.get(rejected.trim()) ?? 1)),
      );
      const single = tuples.filter(
        ({ chosen, rejected }) => tokens(chosen) === 1 && tokens(rejected) === 1,
      ).length;
      return `| ${[
        regime,
        half === 'train' ? 'train' : 'held-out',
        tuples.length,
        tuples.filter(({ polarity }) => polarity === 'positive').length,
        `${mean(prompts).toFixed(1)} (${Math.max(...prompts)})`,
        `${mean(tuples.map(({ chosen }) => tokens(chosen))).toFixed(2)} / ${mean(
          tuples.map(({ rejected }) => tokens(rejected)),
        ).toFixed(2)}`,
        `${((100 * single) / tuples.length).toFixed(0)} %`,
        `${new Set(tuples.map(({ chosen }) => chosen)).size} / ${new Set(tuples.map(({ rejected }) => rejected)).size}`,
        `${Math.abs(mean(ratios)).toFixed(3)} (${mean(ratios.map(Math.abs)).toFixed(2)})`,
      ].join(' | ')} |`;
    }),
  );
};

const modelSection = (model: ModelRecord | undefined): string => {
  if (!model) return 'The model has not been trained yet.';
  const { speeches, reviews } = model.heldOut;
  const held = (what: { natsPerToken: number; perplexity: number }): string =>
    `${what.natsPerToken.toFixed(2)} nats a token (perplexity ${what.perplexity.toFixed(1)})`;
  return wrap(`A Llama-style decoder of ${count(model.parameters)} parameters, trained from random weights by
    \`scripts/pretrain.ts\`: ${count(model.steps)} steps, ${count(model.tokens)} tokens,
    ${model.passesOverTheCorpus.toFixed(2)} passes over the rows above. On the held-out speeches ${held(speeches)}, on
    the held-out reviews ${held(reviews)}. A small and weak model of real English, made to be trained further in
    seconds, not to be used. \`model/training.json\` has the settings and the loss curve.`);
};

const ladderSection = (ladder: ProvenanceFacts['ladder']): string => {
  const rungs = Object.entries(ladder).sort(([, a], [, b]) => a.parameters - b.parameters);
  if (rungs.length === 0) return 'The ladder has not been trained yet.';
  const rows = rungs.map(
    ([name, { parameters, steps, tokens, heldOut }]) =>
      `| models/${name} | ${count(parameters)} | ${count(steps)} | ${count(tokens)} | ${heldOut.speeches.perplexity.toFixed(1)} | ${heldOut.reviews.perplexity.toFixed(1)} |`,
  );
  return `${wrap(`The ladder: further models by the same script on the same rows, to compare architectures and sizes
    (\`scripts/rungs.ts\` says what each is). They are stored in halves; perplexities are of what is stored. The
    encoder–decoder predicts the second half of each held-out row, given the first: its perplexities stand beside those
    of a decoder only roughly. Its record counts the tokens that its decoder predicted.`)}

| model | parameters | steps | tokens | perplexity: speeches | reviews |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}`;
};

/** Share of cloze tuples whose preferred completion is the word that stood in the sentence. */
const ownIsChosen = ({ split }: ProvenanceFacts, tuples: PreferenceSplit['train']): string => {
  const texts = new Map([...split.trainReviews, ...split.heldOutReviews].map(({ id, text }) => [id, text]));
  const own = tuples.filter(({ source, prompt, chosen }) =>
    texts.get(source)?.includes(prompt + chosen),
  ).length;
  return `${((100 * own) / tuples.length).toFixed(0)} %`;
};

export const describeProvenance = (facts: ProvenanceFacts): string => {
  const { split, corpus, files, tokenizer, preferences, model } = facts;
  const words = [...new Map(facts.words.map((word) => [word.word, word])).values()];
  const { sentiment, datasets } = PACKAGES;
  const single = words.filter(({ word }) => tokenizer.encode(` ${word}`).length === 1);
  const of = (list: readonly OpinionWord[], polarity: string): number =>
    list.filter((word) => word.polarity === polarity).length;
  const train = split.trainReviews.length;
  const heldOut = split.heldOutReviews.length;
  return `# Where the shipped data comes from

Written by \`npm run build:assets\`; do not edit. The command downloads the packages below through npm, checks their
SHA-512, and makes every file listed at the end.

**The preference pairs are constructed. They are not human preferences.** Nobody was asked which completion is better:
the prompts are real sentences, the two completions are opinion words put there by a program, and the positive word is
always the preferred one, whatever the sentence says. They make a clean, learnable preference to study what DPO does to
a model; they say nothing about what people like.

## Sources

| what | from | licence |
| --- | --- | --- |
| ${count(train + heldOut)} labelled review sentences (Amazon, IMDb, Yelp; duplicates dropped) | test fixtures of \`${sentiment.name}@${sentiment.version}\` | the sentences: UCI "Sentiment Labelled Sentences", CC BY 4.0, by Dimitrios Kotzias, from Kotzias et al., "From Group to Individual Labels using Deep Features", KDD 2015. The package: MIT, © 2016 Andrew Sliwinski |
| ${split.trainSpeeches.length + split.heldOutSpeeches.length} State of the Union addresses, 1900–2021 | \`${datasets.name}@${datasets.version}\`, \`sotu\` | the speeches: works of the United States Government, public domain; the package states PDDL 1.0 for the database and CC0 1.0 for its contents. Its software: Apache-2.0 |
| positive and negative opinion words | \`${datasets.name}@${datasets.version}\`, \`liu-positive-opinion-words-en\`, \`liu-negative-opinion-words-en\` | the package states ODC-BY 1.0 for the database and CC BY 4.0 for its contents. Minqing Hu and Bing Liu, "Mining and Summarizing Customer Reviews", KDD 2004. Its software: Apache-2.0 |

Changes made to the texts: typographic marks to ASCII, runs of white space to one space; in prompts the closing mark is
dropped, a frame is put behind the sentence or its end is cut off, and long sentences lose words from the left. The
sentences come from public reviews, unedited: some are rude, and names of shops and actors occur.

## Split

${wrap(`By sentence, stratified by collection and label, the same for every file: ${count(train)} training and
  ${count(heldOut)} held-out sentences. Held-out sentences are in no training tuple, nor in the training of tokenizer and
  model. Held-out speeches: ${[...HELD_OUT_SPEECHES].map((id) => `\`${id}\``).join(', ')}.`)}

## Tokenizer, pretraining corpus, model

${wrap(`Byte-level BPE of ${count(tokenizer.vocabularySize)} tokens, learnt from the training speeches and the training
  reviews at equal weight. The pretraining rows (not shipped; 65 tokens each) are ${count(corpus.speechRows)} of speeches
  (${count(corpus.speechTokens)} tokens) and ${count(corpus.reviewRows)} of review sentences
  (${count(corpus.reviewTokens)} tokens a pass, repeated), shuffled.`)}

${modelSection(model)}

${ladderSection(facts.ladder)}

## Preference tuples

JSON lines, gzipped (\`zcat\` shows them; \`dsteer data inspect\` counts them).

- **one-frame**: a review sentence and always the same words behind it;
- **many-frames**: a review sentence and one of ${SEEN_FRAMES.length + UNSEEN_FRAMES.length} frames: ${SEEN_FRAMES.length} in training and half the held-out prompts,
  ${UNSEEN_FRAMES.length} others in the other half (\`frameSplit\`);
- **cloze**: a review sentence cut before one of its own opinion words; one completion is that word, the other one of
  opposite polarity and the same kind. Which of the two is the sentence's own follows the sentences: it is the preferred
  one in ${ownIsChosen(facts, preferences.cloze.train)} of the training tuples and ${ownIsChosen(facts, preferences.cloze.heldOut)} of the held-out ones.

${wrap(`${count(words.length)} opinion words (${of(words, 'positive')} positive, ${of(words, 'negative')} negative;
  ${of(single, 'positive')} and ${of(single, 'negative')} of them single tokens) were picked by hand from those words of
  the lexicons that occur in the training text (\`preferences/opinion-words.jsonl\`). Training and held-out tuples draw from the same words: what is held out
  is the sentence, and in half of many-frames the frame. The words of a pair differ in frequency (per million words of
  the training text, mixed as in pretraining) by less than a factor of ${(10 ** FREQUENCY_BIN).toFixed(1)} and in length
  by at most ${TOKEN_BIN} token; pairs are drawn so that over a file positive words are neither more frequent nor longer
  than negative ones. Half the source sentences of each file are labelled positive.`)}

| regime | half | tuples | positive sources | prompt tokens with BOS: mean (most) | completion tokens: chosen / rejected | both single | words: chosen / rejected | log10 frequency ratio: mean (of its size) |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${regimeRows(facts).join('\n')}

## Files

| file | bytes | SHA-256 |
| --- | --- | --- |
${files.map(({ name, bytes }) => `| ${name} | ${count(bytes.length)} | \`${sha256Hex(bytes)}\` |`).join('\n')}
`;
};
