/** A thread that analyses layers, one after another: see `analyzeLayers`. */
import { parentPort } from 'node:worker_threads';
import { DsteerError } from '../base/index.js';
import { analyzeLayer } from './analyze-layer.js';
import type { FromLayerThread, LayerStates } from './analyze-layers.js';

const answer = ({ layer, n, d, base, policy }: LayerStates): FromLayerThread => {
  try {
    return { statistics: analyzeLayer(base, policy, n, d, { layer }) };
  } catch (error) {
    const hint = error instanceof DsteerError ? error.hint : undefined;
    return { fault: error instanceof Error ? error.message : String(error), hint };
  }
};

parentPort?.on('message', (states: LayerStates) => {
  parentPort?.postMessage(answer(states));
});
