/** From a vega-lite spec to SVG in the page's colours: no browser, no canvas, no network. */

import type { LoggerInterface } from 'vega';
import { ComputationError } from '../../base/index.js';
import type { Chart } from './chart.js';
import { chartConfig } from './chart.js';
import { withThemeColors } from './palette.js';

/** Specs hold all their data; whatever would be loaded from elsewhere is refused. */
const refuse = async (uri: string): Promise<never> => {
  throw new ComputationError(`a chart asked for ${uri}: charts load nothing`);
};

/** Takes what vega would print: a warning, such as of data that it could not load, is a fault of the drawing as well. */
const createLogger = (): { readonly logger: LoggerInterface; readonly faults: readonly string[] } => {
  const faults: string[] = [];
  let level = 0;
  function atLevel(): number;
  function atLevel(wanted: number): LoggerInterface;
  function atLevel(wanted?: number): number | LoggerInterface {
    if (wanted === undefined) return level;
    level = wanted;
    return logger;
  }
  const ignore = (): LoggerInterface => logger;
  const take = (...told: readonly unknown[]): LoggerInterface => {
    faults.push(told.map(String).join(' '));
    return logger;
  };
  const logger: LoggerInterface = {
    level: atLevel,
    error: take,
    warn: take,
    info: ignore,
    debug: ignore,
  };
  return { logger, faults };
};

/** The figure around a drawing is one image with a description; roles within it would only be noise. */
const withoutRoles = (svg: string): string =>
  svg.replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, ''));

/**
 * Draws a chart.
 *
 * @returns one `svg` element, its colours custom properties of the page
 * @throws ComputationError where vega cannot draw the spec
 */
export const renderChart = async ({ id, spec }: Pick<Chart, 'id' | 'spec'>): Promise<string> => {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  try {
    const { logger, faults } = createLogger();
    const compiled = compile(spec, { config: chartConfig, logger }).spec;
    const loader = { ...vega.loader(), load: refuse };
    const view = new vega.View(vega.parse(compiled), { renderer: 'none', logger, loader });
    const svg = await view.toSVG();
    view.finalize();
    if (faults.length > 0) throw new ComputationError(faults.join('; '));
    return withThemeColors(withoutRoles(svg));
  } catch (cause) {
    throw new ComputationError(`the chart ${id} cannot be drawn`, { cause });
  }
};
