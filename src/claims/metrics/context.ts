/** What a held-out-prompt metric is given, and the subjects it is measured on. */
import { ComputationError } from '../../base/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Site, Variant } from '../evidence/variant.js';
import type { LayerSelection } from '../spec/schema.js';
import { type ControlId, type VariantControl, variantControls } from './catalogue.js';
import type { Measurement } from './measurement.js';

/** The claim itself, or one of its controls. */
export type Subject = 'claim' | ControlId;

export interface MetricContext {
  readonly evidence: SeedEvidence;
  readonly layers: LayerSelection;
}

export type Measure = (context: MetricContext, subject: Subject) => Promise<Measurement>;

const isVariant = (subject: Subject): subject is VariantControl =>
  (variantControls as readonly string[]).includes(subject);

/** The policy that a subject is measured on. */
export const variantOf = (subject: Subject): Variant => (isVariant(subject) ? subject : 'dpo');

/** The paper's layers 22–30 of 32, as a range of depth l / L. */
export const upperDepth = [22 / 32, 30 / 32] as const;

/**
 * The sites that a selection of layers means in a model of `count` blocks.
 *
 * @throws ComputationError where the model has no such layer: an error of the claim's row, not of the run
 */
export const sitesOf = (selection: LayerSelection, count: number): Site[] => {
  if (selection === 'final') return ['postNorm'];
  if (typeof selection === 'number') {
    if (selection > count)
      throw new ComputationError(`the model has ${count} layers and no layer ${selection}`);
    return [selection];
  }
  const [from, to] = selection === 'upper' ? upperDepth : selection.depth;
  const layers = Array.from({ length: count }, (_, index) => index + 1).filter(
    (layer) => layer / count >= from && layer / count <= to,
  );
  if (layers.length === 0) throw new ComputationError(`no layer of ${count} has a depth in [${from}, ${to}]`);
  return layers;
};

/** The selection in words, for the report. */
export const describeLayers = (selection: LayerSelection): string => {
  if (selection === 'final') return 'final hidden state';
  if (selection === 'upper') return 'upper layers (depth 0.69–0.94)';
  return typeof selection === 'number'
    ? `layer ${selection}`
    : `layers of depth ${selection.depth.join('–')}`;
};
