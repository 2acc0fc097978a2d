/** Preference tuples, tokenizers and batches of token ids. */
export * from './assets-folder.js';
export * from './encode-preference.js';
export * from './json-lines.js';
export * from './preference-tuple.js';
export * from './read-preferences.js';
export * from './relabel.js';
export * from './shipped-preferences.js';
export * from './token-batch.js';
export * from './tokenizer.js';
