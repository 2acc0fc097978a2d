import { describe } from 'vitest';
import { encodeGguf, readGguf } from '../../src/store/index.js';
import { itObeysTheLaw } from './parser-law.js';

const vector = { shape: [4], data: Float32Array.of(1, -2, 0.5, Number.NaN) };

describe('GGUF', () => {
  itObeysTheLaw('a control vector', {
    name: 'v.gguf',
    parse: readGguf,
    seeds: [
      {
        bytes: encodeGguf(
          { 'general.architecture': 'controlvector', 'controlvector.layer_count': 2 },
          { 'direction.1': vector, 'direction.2': vector },
        ),
      },
    ],
  });
});
