/** Layers analysed side by side: each on a thread of its own, with one BLAS thread, since an eigenproblem hardly gains from more. */
import { availableParallelism } from 'node:os';
import { startThread, type WorkerThread } from '../base/index.js';
import { limitToOneThread, loadNativeBlas, oneBlasThread } from '../linalg/index.js';
import { analyzeLayer, type LayerStatistics } from './analyze-layer.js';

/** Hidden states of one layer of two models, [n, d] each. */
export interface LayerStates {
  readonly layer: number | 'postNorm';
  readonly n: number;
  readonly d: number;
  readonly base: Float32Array;
  readonly policy: Float32Array;
}

/** Multiplications in a Gram matrix below which a thread takes longer to start than a layer to analyse. */
const leastWork = 5e7;

/** For all layers in memory at once. */
const mostBytes = 1.5 * 2 ** 30;

/** A layer's states here and on its thread, its displacements as they are and centred, and what an eigenproblem takes. */
const bytesOf = ({ n, d }: Pick<LayerStates, 'n' | 'd'>): number => 32 * n * d + 24 * Math.min(n, d) ** 2;

const workOf = ({ n, d }: Pick<LayerStates, 'n' | 'd'>): number => n * d * Math.min(n, d);

async function* inTurn(layers: AsyncIterable<LayerStates>): AsyncGenerator<LayerStatistics> {
  for await (const { layer, n, d, base, policy } of layers) yield analyzeLayer(base, policy, n, d, { layer });
}

async function* onThreads(
  layers: AsyncIterable<LayerStates>,
  threads: readonly WorkerThread<LayerStates, LayerStatistics>[],
): AsyncGenerator<LayerStatistics> {
  const open: Promise<LayerStatistics>[] = [];
  let next = 0;
  for await (const states of layers) {
    const thread = threads[next++ % threads.length];
    if (thread === undefined) throw new RangeError('there is no thread');
    const statistics = thread.ask(states);
    // Told when its turn comes.
    statistics.catch(() => undefined);
    open.push(statistics);
    const first = open.length >= threads.length ? open.shift() : undefined;
    if (first) yield await first;
  }
  for (const rest of open) yield await rest;
}

/**
 * `analyzeLayer` of each, in order. As many layers are in memory as there are cores and 1.5 GiB hold; one, where they are few or
 * small.
 *
 * @param count how many there are
 * @throws as `analyzeLayer`; ResourceError where a thread ends
 */
export async function* analyzeLayers(
  layers: AsyncIterable<LayerStates>,
  { count, n, d }: { readonly count: number } & Pick<LayerStates, 'n' | 'd'>,
): AsyncGenerator<LayerStatistics> {
  const blas = loadNativeBlas();
  const native = 'unavailable' in blas ? undefined : blas;
  const cores = native?.threads || availableParallelism();
  const together = Math.min(cores, Math.floor(mostBytes / bytesOf({ n, d })));
  if (together < 2 || count < 2 * together || workOf({ n, d }) < leastWork) {
    yield* inTurn(layers);
    return;
  }
  const threads = Array.from({ length: together }, () =>
    startThread<LayerStates, LayerStatistics>('geometry/layer-worker.js', {
      name: 'an analysing thread',
      data: undefined,
      environment: oneBlasThread,
    }),
  );
  const release = native && limitToOneThread(native);
  try {
    yield* onThreads(layers, threads);
  } finally {
    release?.();
    await Promise.all(threads.map((thread) => thread.close()));
  }
}
