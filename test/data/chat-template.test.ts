import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  assetsFolder,
  type ChatMessage,
  createChatTemplate,
  createTokenizer,
  loadTokenizer,
} from '../../src/data/index.js';

const shipped = join(assetsFolder(), 'model');
const turns: ChatMessage[] = [
  { role: 'user', content: 'Hi {{ bos_token }}' },
  { role: 'assistant', content: 'Hello' },
];

/** Zephyr's shape: blocks on lines of their own, conditions, special tokens. */
const zephyr = `{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n' + message['content'] + eos_token }}
{% else %}
{{ raise_exception('no ' + message['role'] + ' here') }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}`;

describe('createChatTemplate', () => {
  it.each([
    ['{% for i in range(1000000000000) %}{% endfor %}', 'a range of'],
    ['{% for i in range(1, 9, 0) %}{% endfor %}', 'a range of'],
    ["{% set x = ['a'] %}{% for i in range(40) %}{% set x = x + x %}{% endfor %}{{ x }}", 'a value of'],
    ["{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}", 'steps'],
    [
      "{% set n = namespace(x=['a']) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
      'a value of',
    ],
    [
      '{% set r = range(60000) %}{% for a in r %}{% for b in r %}{% for c in r %}{% endfor %}{% endfor %}{% endfor %}',
      'steps',
    ],
  ])('should give up on %s', (source, reason) => {
    const started = performance.now();
    let fault: unknown;
    try {
      createChatTemplate(source, {}, 'a.jinja').render(turns);
    } catch (error) {
      fault = error;
    }
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(fault).toBeInstanceOf(InputError);
    expect(String(fault)).toContain(reason);
  });

  it('should drop the line breaks of blocks, know special tokens, and leave what messages say alone', () => {
    const template = createChatTemplate(zephyr, { bos_token: '<s>', eos_token: '</s>' });
    expect(template.render(turns, { addGenerationPrompt: true })).toBe(
      '<|user|>\nHi {{ bos_token }}</s>\n<|assistant|>\nHello</s>\n<|assistant|>\n',
    );
    expect(template.render(turns)).not.toMatch(/<\|assistant\|>\n$/);
  });

  it('should say what a template refuses, and what in it cannot be read', () => {
    const template = createChatTemplate(zephyr, { eos_token: '</s>' }, 'folder/tokenizer.json');
    const refuse = () => template.render([{ role: 'system', content: 'x' }]);
    expect(refuse).toThrow(InputError);
    expect(refuse).toThrow(/no system here/);
    const broken = createChatTemplate('{% for message in %}');
    expect(() => broken.render(turns)).toThrow(InputError);
    expect(() => broken.render(turns)).toThrow(/cannot read the chat template/);
  });
});

describe('the chat template of a folder', () => {
  const withFolder = async (
    files: Readonly<Record<string, string>>,
    use: (folder: string) => Promise<void>,
  ): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-chat-'));
    try {
      await copyFile(join(shipped, 'tokenizer.json'), join(folder, 'tokenizer.json'));
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      await use(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it('should be that of chat_template.jinja before that of the configuration', () =>
    withFolder(
      {
        'tokenizer_config.json': JSON.stringify({ chat_template: 'old', eos_token: { content: '<|end|>' } }),
        'chat_template.jinja': 'new {{ eos_token }}',
      },
      async (folder) => {
        const { chatTemplate } = await loadTokenizer(folder);
        expect(chatTemplate?.render(turns)).toBe('new <|end|>');
      },
    ));

  it('should be the one called default of several', () =>
    withFolder(
      {
        'tokenizer_config.json': JSON.stringify({
          chat_template: [
            { name: 'tool_use', template: 'tools' },
            { name: 'default', template: 'chat of {{ messages | length }}' },
          ],
        }),
      },
      async (folder) => {
        const tokenizer = await loadTokenizer(folder);
        expect(tokenizer.chatTemplate?.render(turns)).toBe('chat of 2');
        expect([...tokenizer.encodeChat(turns)]).toEqual([...tokenizer.encode('chat of 2')]);
      },
    ));

  it('should be missed only where messages are to be encoded', () =>
    withFolder({}, async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      expect(tokenizer.chatTemplate).toBeUndefined();
      expect(tokenizer.encode('text').length).toBeGreaterThan(0);
      expect(() => tokenizer.encodeChat(turns)).toThrow(/no chat template/);
    }));

  it('should be refused where it is no text', () => {
    const model = readFileSync(join(shipped, 'tokenizer.json'), 'utf8');
    expect(() => createTokenizer(model, { chat_template: [{ name: 'rag', template: 'x' }] })).toThrow(
      /neither a text nor a list/,
    );
  });
});
