import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/base/index.js';
import { createPlainProgress, createProgress, createTerminalProgress } from '../../src/reports/index.js';

interface Recorded {
  readonly progress: Progress;
  readonly written: string[];
  wait(milliseconds: number): void;
}

const record = (make: (write: (text: string) => void, clock: () => number) => Progress): Recorded => {
  const written: string[] = [];
  let now = 0;
  return {
    progress: make(
      (text) => written.push(text),
      () => now,
    ),
    written,
    wait: (milliseconds) => {
      now += milliseconds;
    },
  };
};

const clearLine = '\r\u001b[2K';

describe('progress on a terminal', () => {
  const terminal = (columns = 80): Recorded =>
    record((write, clock) => createTerminalProgress({ write, clock, columns: () => columns }));

  it('shows stage, step of steps, tokens a second and the time left in one rewritten line', () => {
    const { progress, written, wait } = terminal();
    const stage = progress.stage('train one-frame', 80);
    wait(2000);
    stage.advance(20, 8000);
    expect(written.at(-1)).toMatch(/^\r\S*━{16} train one-frame · 20\/80 · 4000 tokens\/s · 6\.0 s left$/);
    expect(written.every((text) => text.startsWith(clearLine) && !text.includes('\n'))).toBe(true);
  });

  it('redraws ten times a second at most', () => {
    const { progress, written, wait } = terminal();
    const stage = progress.stage('extract', 10_000);
    for (let step = 0; step < 1000; step++) {
      wait(1);
      stage.advance();
    }
    expect(written.length).toBeLessThanOrEqual(12);
    expect(written.length).toBeGreaterThanOrEqual(10);
  });

  it('keeps a line of each finished stage and every note, and none of the bar', () => {
    const { progress, written, wait } = terminal();
    const stage = progress.stage('judge', 2);
    progress.note('engine blas');
    wait(1500);
    stage.advance(2);
    stage.end();
    stage.end();
    const kept = written.filter((text) => text.endsWith('\n'));
    expect(kept).toEqual(['engine blas\n', '✓ judge · 2 steps in 1.5 s\n']);
    expect(written.at(-2)).toBe(clearLine);
  });

  it('returns to the outer stage when an inner one ends, and never exceeds the width', () => {
    const { progress, written } = terminal(50);
    progress.stage('a stage with quite a long title, longer than the line', 3);
    const inner = progress.stage('inner', 3);
    inner.end();
    expect(written.at(-1)).toContain('a stage with quite');
    for (const text of written) {
      expect([...text.replace(clearLine, '').trimEnd()].length).toBeLessThanOrEqual(50);
    }
  });
});

describe('progress in a log', () => {
  it('writes a line at the start and the end of a stage, and at most one every ten seconds between', () => {
    const { progress, written, wait } = record((write, clock) => createPlainProgress({ write, clock }));
    const stage = progress.stage('train', 250);
    for (let step = 0; step < 250; step++) {
      wait(100);
      stage.advance(1, 100);
    }
    stage.end();
    progress.warn('one\u001b[2J');
    expect(written).toEqual([
      'train …\n',
      '  train · 100/250 · 1000 tokens/s · 15 s left\n',
      '  train · 200/250 · 1000 tokens/s · 5.0 s left\n',
      '✓ train · 250 steps in 25 s · 1000 tokens/s\n',
      'warning: one\\u001b[2J\n',
    ]);
  });

  it('is what CI, files and dumb terminals get', () => {
    const linesOf = (isTTY: boolean, environment: Record<string, string>): string => {
      let text = '';
      const stream = { isTTY, columns: 80, write: (part: string) => (text += part) };
      createProgress(stream, environment).stage('train', 2).end();
      return text;
    };
    expect(linesOf(false, {})).toBe('train …\n✓ train · 0.0 s\n');
    expect(linesOf(true, { CI: 'true' })).toBe('train …\n✓ train · 0.0 s\n');
    expect(linesOf(true, { TERM: 'dumb' })).toBe('train …\n✓ train · 0.0 s\n');
    expect(linesOf(true, { TERM: 'xterm' })).toContain(clearLine);
  });
});
