import { describe, expect, it } from 'vitest';
import { wantsColor, widthOf } from '../../src/reports/index.js';

describe('colour', () => {
  it('is used on a terminal and not in a file', () => {
    expect(wantsColor({ isTTY: true }, {})).toBe(true);
    expect(wantsColor({ isTTY: false }, {})).toBe(false);
    expect(wantsColor({}, {})).toBe(false);
    expect(wantsColor({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  });

  it('obeys NO_COLOR first, unless it is empty, then FORCE_COLOR', () => {
    expect(wantsColor({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(wantsColor({ isTTY: false }, { FORCE_COLOR: '1' })).toBe(true);
    expect(wantsColor({ isTTY: true }, { FORCE_COLOR: '0' })).toBe(false);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
  });
});

describe('width', () => {
  it('is the terminal’s, else COLUMNS, else the fallback, and never under 60', () => {
    expect(widthOf({ columns: 133 }, { COLUMNS: '70' })).toBe(133);
    expect(widthOf({}, { COLUMNS: '70' })).toBe(70);
    expect(widthOf({}, { COLUMNS: 'wide' })).toBe(100);
    expect(widthOf({}, {}, 90)).toBe(90);
    expect(widthOf({ columns: 10 }, {})).toBe(60);
  });
});
