export * from './atomic-file.js';
export * from './csv.js';
export { widenBfloat16, widenHalf } from './float-formats.js';
export * from './hash.js';
export * from './read-json.js';
export * from './safetensors-header.js';
export * from './safetensors-reader.js';
export * from './safetensors-writer.js';
export * from './stable-json.js';
