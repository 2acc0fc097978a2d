/** T5's buckets of relative positions (arXiv 1910.10683 §2.1): near ones apart, far ones together by their logarithm. */

export interface RelativeBucketOptions {
  /** Whether keys after the query have buckets of their own (the encoder); else they share that of distance 0. */
  readonly bidirectional: boolean;
  readonly buckets: number;
  /** From here on, all distances share the last bucket. */
  readonly maxDistance: number;
}

/** The bucket of key position − query position. */
export const relativeBucket = (
  relative: number,
  { bidirectional, buckets, maxDistance }: RelativeBucketOptions,
): number => {
  const available = bidirectional ? Math.floor(buckets / 2) : buckets;
  const first = bidirectional && relative > 0 ? available : 0;
  const distance = bidirectional ? Math.abs(relative) : Math.max(0, -relative);
  const exact = Math.floor(available / 2);
  if (distance < exact) return first + distance;
  const share = Math.log(distance / exact) / Math.log(maxDistance / exact);
  return first + Math.min(available - 1, exact + Math.floor(share * (available - exact)));
};

/** Buckets of every query and key position: [queries · keys], row by row. */
export const relativeBuckets = (queries: number, keys: number, options: RelativeBucketOptions): Int32Array =>
  Int32Array.from({ length: queries * keys }, (_, i) =>
    relativeBucket((i % keys) - Math.floor(i / keys), options),
  );
