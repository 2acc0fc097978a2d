import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeHtml } from '../../src/reports/index.js';
import { exampleChartData, writeExampleEvidence } from './example-evidence.js';
import { exampleReport, exampleTable, wideTable } from './example-report.js';
import { CHROMIUM_FLAGS, findChromium } from './find-chromium.js';

const executablePath = findChromium();
const unlessThere = executablePath === undefined ? ' (skipped: no Chromium; DSTEER_CHROMIUM names one)' : '';

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Everything that axe checks, without what it would only tell of passes. */
const AXE = `axe.run(document, {
  resultTypes: ['violations'], selectors: false, ancestry: false, preload: false, iframes: false,
})`;

const VIEWS = [
  { name: 'light', colorScheme: 'light', width: 1280, height: 900 },
  { name: 'dark', colorScheme: 'dark', width: 1280, height: 900 },
  { name: 'phone', colorScheme: 'light', width: 375, height: 812 },
  { name: 'phone, dark', colorScheme: 'dark', width: 375, height: 812 },
] as const;

describe.skipIf(executablePath === undefined)(`report.html in Chromium${unlessThere}`, () => {
  let folder = '';
  let context: BrowserContext;
  let axe = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dsteer-page-'));
    await writeExampleEvidence(folder, exampleChartData());
    await writeHtml(folder, { ...exampleReport, tables: [exampleTable(), wideTable()] });
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: executablePath ?? '',
      args: CHROMIUM_FLAGS,
    });
  });
  afterAll(async () => {
    await context.close();
    await rm(folder, { recursive: true });
  });

  /** Opens the page and does something with it; whatever it asked for or complained of is an error. */
  const onPage = async (
    { colorScheme, width, height }: (typeof VIEWS)[number],
    act: (page: Page) => Promise<void>,
  ): Promise<void> => {
    const page = await context.newPage();
    const url = pathToFileURL(join(folder, 'report.html')).href;
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.goto(url);
    await act(page);
    await page.close();
    expect(requests.filter((request) => request !== url && !request.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
  };

  it.each(VIEWS)('renders without an error, a request or sideways scrolling: $name', async (view) => {
    await onPage(view, async (page) => {
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('quick');
      expect(await page.getByRole('main').getByRole('table').first().getAttribute('class')).toBe('verdicts');
      expect(await page.locator('article').count()).toBe(exampleReport.claims.length);
      expect(await page.locator('figure svg').count()).toBeGreaterThan(8);
      const [needed, width] = await page.evaluate<[number, number]>(
        '[document.documentElement.scrollWidth, window.innerWidth]',
      );
      expect(needed).toBeLessThanOrEqual(width);
    });
  });

  it.each(VIEWS.slice(0, 3))('gives axe nothing serious or critical to find: $name', async (view) => {
    await onPage(view, async (page) => {
      await page.evaluate(axe);
      const { violations } = await page.evaluate<AxeResults>(AXE);
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(grave.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    });
  });

  it('cuts no text of a drawing off, and names lines in the full colour of what they are', async () => {
    await onPage(VIEWS[0], async (page) => {
      const [cut, faint] = await page.evaluate<[string[], number]>(`[
        [...document.querySelectorAll('figure svg')].flatMap((svg) => {
          const whole = svg.getBoundingClientRect();
          return [...svg.querySelectorAll('text')].filter((text) => {
            const { left, right, top, bottom } = text.getBoundingClientRect();
            return left < whole.left - 1 || right > whole.right + 1 || top < whole.top - 1 || bottom > whole.bottom + 1;
          }).map((text) => text.textContent);
        }),
        [...document.querySelectorAll('figure svg .role-legend-symbol path')].filter((path) =>
          Number(path.getAttribute('stroke-width')) > 1 && Number(path.getAttribute('opacity') ?? 1) < 1).length,
      ]`);
      expect(cut).toEqual([]);
      expect(faint).toBe(0);
    });
  });

  it('shows controls whole on a phone, without sideways scrolling within them', async () => {
    await onPage(VIEWS[2], async (page) => {
      const [tables, wider] = await page.evaluate<[number, number]>(`(() => {
        const boxes = [...document.querySelectorAll('.scroll:has(.forest)')];
        return [boxes.length, boxes.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length];
      })()`);
      expect(tables).toBeGreaterThan(0);
      expect(wider).toBe(0);
    });
  });

  it('draws in the theme of the reader', async () => {
    const colors = new Map<string, readonly string[]>();
    for (const view of VIEWS.slice(0, 2)) {
      await onPage(view, async (page) => {
        colors.set(
          view.name,
          await page.evaluate<string[]>(
            `[getComputedStyle(document.body).backgroundColor,
              getComputedStyle(document.querySelector('figure svg path[stroke^=var]')).stroke,
              getComputedStyle(document.querySelector('.own .whisker')).stroke]`,
          ),
        );
      });
    }
    const [light = [], dark = []] = [colors.get('light'), colors.get('dark')];
    light.forEach((color, index) => {
      expect(color).toMatch(/^rgb/);
      expect(dark[index]).not.toBe(color);
    });
  });

  it('draws an interval where its numbers are on the axis', async () => {
    await onPage(VIEWS[0], async (page) => {
      const { whisker, limit, ticks } = await page.evaluate<{
        whisker: [number, number];
        limit: number;
        ticks: [value: number, x: number][];
      }>(`(() => {
        const own = document.querySelector('#claim-many-frames-inversion-recovery .own');
        const middle = (element) => { const box = element.getBoundingClientRect(); return box.x + box.width / 2; };
        const line = own.querySelector('.whisker').getBoundingClientRect();
        return {
          whisker: [line.left, line.right],
          limit: middle(own.querySelector('.limit')),
          ticks: [...own.querySelectorAll('.axis text')].map((text) => [Number(text.textContent), middle(text)]),
        };
      })()`);
      const [[v0, x0] = [0, 0]] = ticks;
      const [v1, x1] = ticks.at(-1) ?? [1, 1];
      const valueAt = (x: number): number => v0 + ((x - x0) * (v1 - v0)) / (x1 - x0);
      expect(valueAt(whisker[0])).toBeCloseTo(0.652, 2);
      expect(valueAt(whisker[1])).toBeCloseTo(0.801, 2);
      expect(valueAt(limit)).toBeCloseTo(0.9, 2);
    });
  });

  it('can be walked by keyboard: the skip link comes first, and leads to the verdicts', async () => {
    await onPage(VIEWS[0], async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the verdicts');
      await page.keyboard.press('Enter');
      expect(new URL(page.url()).hash).toBe('#verdicts');
    });
  });
});
