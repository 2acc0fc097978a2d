import { InputError } from '../base/index.js';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/**
 * A conversation as the text that a model reads. With `addGenerationPrompt` it ends where the assistant's next turn
 * begins. A model's chat template does this in its own way.
 */
export type RenderChat = (
  messages: readonly ChatMessage[],
  options: { readonly addGenerationPrompt: boolean },
) => string;

const speakers = { system: 'System', user: 'Human', assistant: 'Assistant' } as const;

/** A plain transcript, as Anthropic's HH data are written: "\n\nHuman: …\n\nAssistant: …". */
export const renderTranscript: RenderChat = (messages, { addGenerationPrompt }) =>
  messages.map(({ role, content }) => `\n\n${speakers[role]}: ${content}`).join('') +
  (addGenerationPrompt ? `\n\n${speakers.assistant}:` : '');

/** Whether turns alternate between person and assistant, the person first and last, behind a system message or none. */
export const isPrompt = (messages: readonly ChatMessage[]): boolean => {
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
  return (
    turns.length % 2 === 1 &&
    turns.every(({ role }, index) => role === (index % 2 === 0 ? 'user' : 'assistant'))
  );
};

export interface RenderedAnswers {
  readonly prompt: string;
  /** What each answer adds to the prompt, marks of its end included. */
  readonly completions: readonly string[];
}

/**
 * A prompt, and several answers to it, as texts.
 *
 * @throws InputError when a template writes the conversation otherwise once there is an answer, so that no text is the
 * prompt of all of them
 */
export const renderAnswers = (
  render: RenderChat,
  context: readonly ChatMessage[],
  answers: readonly string[],
): RenderedAnswers => {
  const whole = answers.map((content) =>
    render([...context, { role: 'assistant', content }], { addGenerationPrompt: false }),
  );
  const prompt = [true, false]
    .map((addGenerationPrompt) => render(context, { addGenerationPrompt }))
    .find((text) => whole.every((conversation) => conversation.startsWith(text)));
  if (prompt === undefined) {
    throw new InputError('the chat template writes the prompt otherwise once there is an answer to it', {
      hint: 'give the preferences as texts: {"prompt": "…", "chosen": "…", "rejected": "…"}, rendered as the model is to read them',
    });
  }
  return { prompt, completions: whole.map((conversation) => conversation.slice(prompt.length)) };
};
