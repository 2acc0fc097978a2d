import { UsageError } from '../base/index.js';

/**
 * Groups indices into batches of near-equal length, so that little is padded: longest first, so that memory that
 * suffices for the first batch suffices for all. Equal lengths keep their order.
 *
 * @throws UsageError unless `batchSize` is a positive integer
 */
export const lengthBuckets = (lengths: ArrayLike<number>, batchSize: number): number[][] => {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new UsageError(`batchSize must be a positive integer, not ${batchSize}`);
  }
  const order = Array.from(lengths, (_, index) => index).sort(
    (a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b,
  );
  const buckets: number[][] = [];
  for (let from = 0; from < order.length; from += batchSize)
    buckets.push(order.slice(from, from + batchSize));
  return buckets;
};
