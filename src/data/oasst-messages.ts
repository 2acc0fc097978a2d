import { z } from 'zod';
import { InputError } from '../base/index.js';
import type { JsonLine } from './json-lines.js';
import { parseRecord } from './parse-record.js';

const message = z.object({
  message_id: z.string(),
  parent_id: z.string().nullish(),
  text: z.string(),
  role: z.enum(['prompter', 'assistant']),
  lang: z.string().nullish(),
  /** 0 is best. */
  rank: z.number().nullish(),
  synthetic: z.boolean().nullish(),
  deleted: z.boolean().nullish(),
  review_result: z.boolean().nullish(),
});

const row = message.extend({ message_tree_id: z.string() });
const node = message.extend({ replies: z.array(z.unknown()).nullish() });
const tree = z.object({ message_tree_id: z.string(), prompt: z.looseObject({}) });

const rowShape =
  'a line looks like {"message_id": "…", "parent_id": null, "message_tree_id": "…", "role": "prompter", "text": "…", "lang": "en", "rank": null}';
const treeShape =
  'a line looks like {"message_tree_id": "…", "prompt": {"message_id": "…", "role": "prompter", "text": "…", "replies": […]}}';

/** One message of an OASST1 conversation tree. */
export type OasstMessage = Omit<z.infer<typeof message>, 'parent_id'> & {
  /** Nothing for the message that a tree begins with. */
  readonly parent: string | undefined;
  readonly line: number;
};

/** A tree's messages in any order. */
export interface OasstTree {
  readonly id: string;
  readonly messages: OasstMessage[];
}

/** Trees as nested messages, one a record. */
export async function* readOasstTrees(
  records: AsyncIterable<JsonLine>,
  file: string,
): AsyncGenerator<OasstTree> {
  for await (const record of records) {
    const { line } = record;
    const { message_tree_id: id, prompt } = parseRecord(tree, record, file, treeShape);
    const messages: OasstMessage[] = [];
    // A list of what is still to be read rather than a function that calls itself: trees of any depth are read.
    const open: { value: unknown; parent: string | undefined }[] = [{ value: prompt, parent: undefined }];
    for (const { value, parent } of open) {
      const { replies, parent_id: _, ...rest } = parseRecord(node, { value, line }, file, treeShape);
      messages.push({ ...rest, parent, line });
      for (const reply of replies ?? []) open.push({ value: reply, parent: rest.message_id });
    }
    yield { id, messages };
  }
}

/** Rows held at once, in UTF-16 units of their texts: a tree's rows may stand anywhere in the file. */
const maxHeld = 2 ** 29;

/**
 * Trees from rows of one message each, in the order of their first rows. All rows are held until the file ends.
 *
 * @throws InputError when the file holds more text than can be held
 */
export async function* readOasstRows(
  records: AsyncIterable<JsonLine>,
  file: string,
): AsyncGenerator<OasstTree> {
  const trees = new Map<string, OasstTree>();
  let held = 0;
  for await (const record of records) {
    const { line } = record;
    const { message_tree_id: id, parent_id, ...rest } = parseRecord(row, record, file, rowShape);
    held += rest.text.length;
    if (held > maxHeld) {
      throw new InputError(`the messages are more than ${maxHeld / 2 ** 20} M characters`, {
        where: { file, line },
        hint: 'split the file by message_tree_id, or give it as trees, which are read one at a time',
      });
    }
    const messages = trees.get(id)?.messages ?? [];
    if (messages.length === 0) trees.set(id, { id, messages });
    messages.push({ ...rest, parent: parent_id ?? undefined, line });
  }
  yield* trees.values();
}
