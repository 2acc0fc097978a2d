// The kernels that work in place on the heap of tfjs's wasm backend. Compiled by scripts/build-kernels.mjs.

export { adamw, sumSquares } from './adamw';
export { gemm, gemmScratchBytes } from './gemm';
export { rmsNorm, rmsNormGrad } from './rms-norm';
export { rotary } from './rotary';
export { add, gatherRows, scatterAddRows } from './rows';
export { constantBytes, initialise } from './simd';
export { causalSoftmax, causalSoftmaxGrad, exponential, logSumExp, targetLogpsGrad } from './softmax';
export { swiglu, swigluGrad } from './swiglu';
