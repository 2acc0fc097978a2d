import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../src/base/index.js';

describe('printable', () => {
  it('leaves no control character for a terminal to obey', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
    expect(printable('a\u001b[2Jb\nc')).toBe('a\\u001b[2Jb\\nc');
  });
});
