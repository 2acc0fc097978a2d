/** Token sequences as rows of equal length, for next-token training. */

/** Cuts a stream into rows of `context` + 1 tokens that overlap by one; what is left at the end is dropped. */
export const sliceRows = (stream: readonly number[], context: number): Int32Array[] => {
  const rows: Int32Array[] = [];
  for (let start = 0; start + context < stream.length; start += context) {
    rows.push(Int32Array.from(stream.slice(start, start + context + 1)));
  }
  return rows;
};

/**
 * Rows that each begin with a document. A document that does not fit is cut at the row's end and begins the next row
 * whole, unless it is longer than a row.
 */
export function* packRows(documents: Iterable<readonly number[]>, context: number): Generator<Int32Array> {
  let row: number[] = [];
  for (const document of documents) {
    const began = row.length === 0;
    row.push(...document);
    if (row.length < context + 1) continue;
    const fits = row.length === context + 1;
    yield Int32Array.from(row.slice(0, context + 1));
    row = began || fits ? [] : document.slice(0, context + 1);
    if (row.length === context + 1) {
      yield Int32Array.from(row);
      row = [];
    }
  }
}
