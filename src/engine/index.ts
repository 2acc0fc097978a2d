/** Tensors, automatic differentiation and the fused operations that models are made of. */

export { type AdamW, type AdamWConfig, createAdamW } from './adamw.js';
export type { AdamWMoments } from './adamw-update.js';
export type { BlasInfo } from './backends/engine.js';
export { globalNorm, type NamedTensors, type ValueAndGradients, valueAndGrads } from './gradients.js';
export { plusValues, readValues, writeValues } from './heap-values.js';
export { squaredNorm } from './kernels/optimiser.js';
export { measureSgemm } from './measure-sgemm.js';
export {
  type AttentionBlockOptions,
  type AttentionBlockWeights,
  attentionBlock,
} from './ops/attention-block.js';
export { type BiasedAttentionShape, biasedAttention } from './ops/biased-attention.js';
export { type CachedAttentionShape, cachedAttention, rowsByHead } from './ops/cached-attention.js';
export { type AttentionShape, causalAttention } from './ops/causal-attention.js';
export { embeddingLookup, gatherRows } from './ops/embedding-lookup.js';
export { type GatedFeedForwardWeights, gatedFeedForward } from './ops/gated-feed-forward.js';
export { gelu, geluNew } from './ops/gelu.js';
export { layerNorm } from './ops/layer-norm.js';
export { adapted, adaptLinear, isAdapted, type LinearAddition, linear } from './ops/linear.js';
export { rmsNorm } from './ops/rms-norm.js';
export { type RotaryOptions, rotary } from './ops/rotary.js';
export { swiglu } from './ops/swiglu.js';
export { targetLogps } from './ops/target-logps.js';
export { type Block, type RunBlock, valueAndRecomputedGrads } from './recompute.js';
export * from './start-engine.js';
export { tf } from './tf.js';
