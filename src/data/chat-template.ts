/** Chat templates in Hugging Face form: Jinja that turns messages into the text a model was trained on. */
import { InputError } from '../base/index.js';
import { parseTemplate, renderTemplate, type TemplateProgram } from './bounded-template.js';
import type { ChatMessage } from './chat.js';

export interface ChatOptions {
  /** End with what opens the assistant's next turn. Default false. */
  readonly addGenerationPrompt?: boolean;
  /**
   * More variables for the template (`tools`, `enable_thinking`, …). A template that asks for today's date gets it from the
   * clock, so that its text changes by the day, unless a variable answers first (Llama's: `date_string`).
   */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** `render` has the shape of a `RenderChat`, and can take its place. */
export interface ChatTemplate {
  /** @throws InputError when the template is not valid Jinja, refuses these messages, or does not end within bounds */
  render(messages: readonly ChatMessage[], options?: ChatOptions): string;
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * @param source Jinja; read when it is first used, so that a tokenizer whose template cannot be read still encodes texts
 * @param specialTokens `bos_token`, `eos_token` and the like, by the names that templates know
 * @param file what to call the template in errors
 */
export const createChatTemplate = (
  source: string,
  specialTokens: Readonly<Record<string, string>> = {},
  file = 'chat_template',
): ChatTemplate => {
  let parsed: TemplateProgram | undefined;
  const parse = (): TemplateProgram => {
    try {
      return parseTemplate(source);
    } catch (cause) {
      throw new InputError(`cannot read the chat template: ${messageOf(cause)}`, { where: { file }, cause });
    }
  };
  return {
    render: (messages, { addGenerationPrompt = false, variables = {} } = {}) => {
      parsed ??= parse();
      try {
        return renderTemplate(parsed, {
          ...specialTokens,
          ...variables,
          messages: messages.map(({ role, content }) => ({ role, content })),
          add_generation_prompt: addGenerationPrompt,
        });
      } catch (cause) {
        throw new InputError(`the chat template cannot render these messages: ${messageOf(cause)}`, {
          where: { file },
          hint: 'most templates want user and assistant in turns, after at most one system message',
          cause,
        });
      }
    },
  };
};
