/** A thread that analyses layers, one after another: see `analyzeLayers`. */
import { answerQuestions } from '../base/index.js';
import { analyzeLayer } from './analyze-layer.js';
import type { LayerStates } from './analyze-layers.js';

answerQuestions(({ layer, n, d, base, policy }: LayerStates) => analyzeLayer(base, policy, n, d, { layer }));
