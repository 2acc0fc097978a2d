import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datasetChoices, formatChoices } from '../../src/cli/data-command.js';
import { assetsFolder, hubDatasetNames, hubDatasets, preferenceFormats } from '../../src/data/index.js';
import { startHub } from '../data/hub-server.js';
import { run } from './run.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-cli-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

const put = async (name: string, records: readonly unknown[]): Promise<string> => {
  const path = join(folder, name);
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
};

const transcript = (question: string, answer: string): string =>
  `\n\nHuman: ${question}\n\nAssistant: ${answer}`;

const hh = (question: string, chosen: string, rejected: string) => ({
  chosen: transcript(question, chosen),
  rejected: transcript(question, rejected),
});

const records = [hh('one', 'a', 'b'), hh('two', 'c', 'dd'), hh('two', 'c', 'dd'), hh('one', '', 'b')];

const tree = {
  message_tree_id: 'q',
  prompt: {
    message_id: 'q',
    role: 'prompter',
    text: 'Why?',
    lang: 'en',
    replies: [
      { message_id: 'a', role: 'assistant', text: 'Because', lang: 'en', rank: 0, replies: [] },
      { message_id: 'b', role: 'assistant', text: 'Darum', lang: 'de', rank: 1, replies: [] },
      { message_id: 'c', role: 'assistant', text: 'No idea', lang: 'en', rank: 2, replies: [] },
    ],
  },
};

describe('dsteer data inspect', () => {
  it('counts what is kept and what is dropped, and shows examples', async () => {
    const { code, stdout, stderr } = await run(['data', 'inspect', await put('hh.jsonl.gz', records)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/hh\.jsonl\.gz: hh\n/);
    for (const line of [
      /^records +4$/m,
      /^kept +3$/m,
      /^dropped +1\n +an answer is empty \(1, first on line 4\)$/m,
      /^sources +2 /m,
      /^prompts +2 /m,
      /^repeated +1 +word for word, first on line 3$/m,
      // " dd", " dd" and " b": 8 characters.
      /^rejected +2\.7 +3 +3 +3$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).toContain('prompt    \\n\\nHuman: one\\n\\nAssistant:');
  });

  it('prints no text of the file with --no-examples, and everything else as JSON with --json', async () => {
    const path = await put('secret.jsonl', [hh('secret question', 'secret', 'other')]);
    const table = await run(['data', 'inspect', path, '--no-examples']);
    expect(table.stdout).toMatch(/^kept +1$/m);
    expect(table.stdout).not.toContain('secret question');
    const { stdout } = await run(['data', 'inspect', path, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      report: { format: 'hh', records: 1, pairs: 1, kept: 1, dropped: {}, repeated: null },
      sources: 1,
      prompts: 1,
      tokens: null,
      examples: [{ id: 'line-1', chosen: ' secret' }],
    });
  });

  it('shows control characters of a file instead of sending them to the terminal', async () => {
    const evil = '\u001b[2J\u009b31m\u202e\rgone';
    const path = await put('evil.jsonl', [{ id: evil, prompt: evil, chosen: `${evil}1`, rejected: 'x' }]);
    const { stdout } = await run(['data', 'inspect', path]);
    expect(stdout).toContain('\\u001b[2J\\u009b31m\\u202e\\u000dgone');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    const pair = { prompt: 'x', chosen: 'y', rejected: 'z' };
    for (const faulty of [
      [
        { ...pair, id: evil },
        { ...pair, id: evil },
      ],
      [{ ...pair, polarity: evil }],
      [{ [evil]: 1 }],
      [{ message_id: evil, message_tree_id: evil, role: evil, text: evil }],
    ]) {
      const bad = await run(['data', 'inspect', await put('bad.jsonl', faulty)]);
      expect(bad.code).toBe(2);
      expect(bad.stderr).toContain('bad.jsonl:');
      expect(bad.stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    }
  });

  it('filters OASST1 by language, and reads the format that is asked for', async () => {
    const path = await put('trees.jsonl', [tree]);
    const all = await run(['data', 'inspect', path]);
    expect(all.stdout).toMatch(/^records +1 +with 4 messages$/m);
    expect(all.stdout).toMatch(/^kept +3$/m);
    const english = await run(['data', 'inspect', path, '--language', 'en', '--format', 'oasst1-trees']);
    expect(english.stdout).toMatch(/^kept +1$/m);
    expect(english.stdout).toContain('a message in another language (2, first on line 1)');
    const asPairs = await run(['data', 'inspect', path, '--format', 'pairs']);
    expect(asPairs.code).toBe(2);
    expect(asPairs.stderr).toContain('trees.jsonl:1');
  });

  it('counts tokens, what a limit cuts, and prompts of another file', async () => {
    const path = await put('hh.jsonl', records);
    const heldOut = await put('held-out.jsonl', [hh(' one ', 'x', 'y')]);
    const limit = ['--model', join(assetsFolder(), 'model'), '--max-length'];
    const { stdout } = await run(['data', 'inspect', path, ...limit, '16', '--against', heldOut]);
    expect(stdout).toMatch(/^TOKENS +MEAN/m);
    expect(stdout).toMatch(/^shared +1 +with a prompt that is in .*held-out\.jsonl too$/m);
    const cutAt = async (length: string): Promise<string[]> => {
      const { stdout: shown } = await run(['data', 'inspect', path, ...limit, length]);
      return ['cut', 'too long'].map((name) => new RegExp(`^${name} +(\\d+)`, 'm').exec(shown)?.[1] ?? '');
    };
    expect(await cutAt('500')).toEqual(['0', '0']);
    expect(await cutAt('8')).toEqual(['3', '0']);
    expect(await cutAt('2')).toEqual(['0', '3']);
  });

  it.each([
    ['no tokenizer for a limit', ['hh.jsonl', '--max-length', '9'], 'add --model'],
    ['a file that is not there', ['missing.jsonl'], 'missing.jsonl'],
    ['a model that is not there', ['hh.jsonl', '--model', 'nowhere'], 'nowhere'],
    ['a format that there is not', ['hh.jsonl', '--format', 'csv'], 'oasst1-trees'],
  ])('refuses %s with exit code 2', async (_, [name = '', ...flags], said) => {
    await put('hh.jsonl', records);
    const { code, stdout, stderr } = await run(['data', 'inspect', join(folder, name), ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('unexpected');
  });

  it('names file, line and cure of a record with one side missing', async () => {
    const path = await put('one-sided.jsonl', [records[0], { chosen: transcript('a', 'b') }]);
    const { code, stderr } = await run(['data', 'inspect', path]);
    expect(code).toBe(2);
    expect(stderr).toContain('one-sided.jsonl:2: "rejected" is missing\n  → ');
  });
});

describe('dsteer data fetch', () => {
  const { repository, revision: pinned, files } = hubDatasets.oasst1;
  const [{ path }] = files;
  const content = gzipSync(`${JSON.stringify(tree)}\n`);
  const elsewhere = 'c'.repeat(40);

  it('writes what can be inspected, and says its hash', async () => {
    const hub = await startHub(repository, elsewhere);
    hub.files.set(path, { content, lfs: true });
    const out = join(folder, 'oasst1');
    const words = ['data', 'fetch', 'oasst1', '--out', out, '--hub-url', hub.url, '--revision', elsewhere];
    const { code, stdout, stderr } = await run(words);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`${path} +${content.length} bytes +sha256 [0-9a-f]{64}\n`));
    expect(stderr).toContain('Apache-2.0');
    expect((await run(words)).stdout).toContain('(was there)');
    expect((await run(['data', 'inspect', join(out, path)])).stdout).toMatch(/^kept +3$/m);
    await hub.close();
  });

  it('refuses a file at the pinned commit that is not the pinned one, and writes nothing', async () => {
    const hub = await startHub(repository, pinned);
    hub.files.set(path, { content, lfs: true });
    const out = join(folder, 'changed');
    const { code, stdout, stderr } = await run([
      'data',
      'fetch',
      'oasst1',
      '--out',
      out,
      '--hub-url',
      hub.url,
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('not the file that was asked for');
    await expect(readFile(join(out, path))).rejects.toThrow(/ENOENT/);
    await hub.close();
  });

  it('ends with 4 where the hub is out of reach, and with 2 for a data set that it does not know', async () => {
    const hub = await startHub(repository, pinned);
    await hub.close();
    expect((await run(['data', 'fetch', 'hh', '--out', folder, '--hub-url', hub.url])).code).toBe(4);
    const unknown = await run(['data', 'fetch', 'oasst2']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('hh, oasst1');
  });
});

describe('the choices in help', () => {
  it('are those of the library', () => {
    expect(formatChoices).toEqual(preferenceFormats);
    expect(datasetChoices).toEqual(hubDatasetNames);
  });
});
