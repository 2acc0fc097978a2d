/** Every kernel of our own, for tfjs's wasm backend. */

import { registerRmsNorm } from '../ops/rms-norm.js';
import { registerRotary } from '../ops/rotary.js';
import { registerSwiglu } from '../ops/swiglu.js';
import { registerAdd } from './add.js';
import { registerAttentionBlock } from './attention-block.js';
import { registerMatMulKernels } from './batch-mat-mul.js';
import { registerCausalAttention } from './causal-attention.js';
import { registerGatedFeedForward } from './gated-feed-forward.js';
import { registerGather } from './gather.js';
import { registerIdentity } from './identity.js';
import { registerPickLogps } from './pick-logps.js';
import { registerUnsortedSegmentSum } from './unsorted-segment-sum.js';

export const registerHeapKernels = (): void => {
  registerIdentity();
  registerAdd();
  registerMatMulKernels();
  registerGather();
  registerUnsortedSegmentSum();
  registerRmsNorm();
  registerRotary();
  registerCausalAttention();
  registerAttentionBlock();
  registerGatedFeedForward();
  registerSwiglu();
  registerPickLogps();
};
