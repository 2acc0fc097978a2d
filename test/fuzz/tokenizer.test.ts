import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';
import { assetsFolder, loadTokenizer } from '../../src/data/index.js';
import { itObeysTheLaw } from './parser-law.js';

const shipped = (name: string): Promise<string> => readFile(join(assetsFolder(), 'model', name), 'utf8');

/** The shipped tokenizer with as many merges as make a small file: mutations hit its structure, not its vocabulary. */
const small = async (): Promise<string> => {
  const whole = JSON.parse(await shipped('tokenizer.json')) as {
    model: { vocab: Record<string, number>; merges: unknown[] };
  };
  const vocab = Object.fromEntries(Object.entries(whole.model.vocab).slice(0, 40));
  const merges = whole.model.merges.filter((merge) =>
    (Array.isArray(merge) ? merge : String(merge).split(' ')).concat([]).every((part) => part in vocab),
  );
  return JSON.stringify({ ...whole, model: { ...whole.model, vocab, merges: merges.slice(0, 5) } });
};

const use = async (folder: string): Promise<void> => {
  const tokenizer = await loadTokenizer(folder);
  tokenizer.decode(tokenizer.encode('The food was good'));
  tokenizer.decode(tokenizer.encodeWithSpecials('A'));
  if (tokenizer.chatTemplate) tokenizer.encodeChat([{ role: 'user', content: 'Hi' }]);
};

/** A folder in which one file is the fuzzed one, the others as shipped. */
const folderWith = async (file: string, as: string): Promise<string> => {
  const folder = join(dirname(file), `with-${as}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), await smallOnce());
  await writeFile(join(folder, 'tokenizer_config.json'), await shipped('tokenizer_config.json'));
  await writeFile(join(folder, as), await readFile(file));
  return folder;
};

let kept: Promise<string> | undefined;
const smallOnce = (): Promise<string> => {
  kept ??= small();
  return kept;
};

const template =
  "{% for message in messages %}{% if message['role'] == 'user' %}{{ '<u>' + message['content'] + eos_token }}{% else %}{{ raise_exception('no') }}{% endif %}{% if loop.last and add_generation_prompt %}{{ '<a>' }}{% endif %}{% endfor %}{% set n = namespace(x=0) %}{% for i in range(3) %}{% set n.x = n.x + i %}{% endfor %}{{ n.x | tojson }}{{ messages | length }}";

describe('tokenizer.json', () => {
  itObeysTheLaw('byte-level BPE', {
    name: 'tokenizer.json',
    parse: async (file) => use(await folderWith(file, 'tokenizer.json')),
    seeds: async () => [{ bytes: await smallOnce() }],
  });
});

describe('tokenizer_config.json', () => {
  itObeysTheLaw('special tokens and a chat template', {
    name: 'tokenizer_config.json',
    parse: async (file) => use(await folderWith(file, 'tokenizer_config.json')),
    seeds: async () => [
      { bytes: await shipped('tokenizer_config.json') },
      {
        bytes: JSON.stringify({
          bos_token: { content: '<s>', lstrip: false },
          eos_token: '</s>',
          add_bos_token: true,
          chat_template: [{ name: 'default', template }],
        }),
      },
    ],
  });
});

describe('chat_template.jinja', () => {
  itObeysTheLaw('a template', {
    name: 'chat_template.jinja',
    parse: async (file) => use(await folderWith(file, 'chat_template.jinja')),
    seeds: [{ bytes: template }],
  });
});
