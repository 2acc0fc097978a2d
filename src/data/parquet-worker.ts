/** A thread that decodes one parquet file at a time: see `readParquetRows`. */
import { answerQuestions } from '../base/index.js';
import { openParquet, type ParquetFile, type RowGroupRows } from './parquet-decoder.js';
import type { ToDecoder } from './parquet-rows.js';

let current: ParquetFile | undefined;

const close = async (): Promise<void> => {
  const closing = current;
  current = undefined;
  await closing?.close();
};

answerQuestions(async (question: ToDecoder): Promise<RowGroupRows | undefined> => {
  if (question.type === 'next') return current?.next();
  await close();
  if (question.type === 'open') current = await openParquet(question.file, question.wanted, question.limits);
  return undefined;
});
