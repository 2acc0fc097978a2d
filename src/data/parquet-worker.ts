/** A thread that decodes one parquet file at a time: see `readParquetRows`. */
import { parentPort } from 'node:worker_threads';
import { InputError } from '../base/index.js';
import { openParquet, type ParquetFile } from './parquet-decoder.js';
import type { DecoderFault, FromDecoder, ToDecoder } from './parquet-rows.js';

let current: ParquetFile | undefined;

const close = async (): Promise<void> => {
  const closing = current;
  current = undefined;
  await closing?.close();
};

const answer = async (question: ToDecoder): Promise<FromDecoder | undefined> => {
  if (question.type === 'open') {
    await close();
    current = await openParquet(question.file, question.wanted, question.limits);
    return { type: 'group', group: undefined };
  }
  if (question.type === 'next') return { type: 'group', group: await current?.next() };
  await close();
  return undefined;
};

const describe = (error: unknown): DecoderFault => {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InputError) return { type: 'fault', kind: 'input', message, hint: error.hint };
  const isEncoding =
    error instanceof Error && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
  return { type: 'fault', kind: isEncoding ? 'encoding' : 'other', message, hint: undefined };
};

/** Questions are answered one after another, in their order. */
let last = Promise.resolve();
parentPort?.on('message', (question: ToDecoder) => {
  last = last
    .then(() => answer(question))
    .catch(describe)
    .then((told) => {
      if (told !== undefined) parentPort?.postMessage(told);
    });
});
