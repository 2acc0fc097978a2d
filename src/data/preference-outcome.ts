import type { RenderChat } from './chat.js';
import type { DropReason } from './drop-reasons.js';
import type { JsonLine } from './json-lines.js';
import type { PreferenceTuple } from './preference-tuple.js';

/** What became of one possible preference: a tuple, or the reason why not. And how many messages a tree holds. */
export type PreferenceOutcome = { readonly line: number } & (
  | { readonly tuple: PreferenceTuple }
  | { readonly reason: DropReason }
  | { readonly messages: number }
);

export interface FormatOptions {
  /** How chat messages become text: the model's chat template. Default: a plain transcript. */
  readonly renderChat?: RenderChat;
  /** OASST1: keep pairs all of whose messages, prompt included, are in this language, such as `en`. */
  readonly language?: string;
  /** OASST1: leave out pairs with a message that a model wrote, in the prompt or as an answer. */
  readonly humanOnly?: boolean;
}

/** Turns records of one format into preferences, as they come. */
export type ReadFormat = (
  records: AsyncIterable<JsonLine>,
  file: string,
  options: FormatOptions,
) => AsyncGenerator<PreferenceOutcome>;
