/** Preference tuples, mixtures of them, tokenizers and batches of token ids. */
export * from './apportion.js';
export * from './assets-folder.js';
export * from './attribute-preferences.js';
export * from './attributes.js';
export * from './chat-template.js';
export * from './encode-preference.js';
export * from './json-lines.js';
export * from './load-mixture.js';
export * from './masked-batch.js';
export * from './mix-preferences.js';
export * from './preference-tuple.js';
export * from './read-preferences.js';
export * from './relabel.js';
export * from './shipped-preferences.js';
export * from './split-by-source.js';
export * from './token-batch.js';
export * from './tokenizer.js';
