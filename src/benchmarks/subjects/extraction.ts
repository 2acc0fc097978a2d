import { extractHiddenStates } from '../../activations/index.js';
import { atWidth, type Subject } from '../case.js';
import { forwardFlops, LENGTH, onStepModel, textRows, WIDTHS } from '../llama-steps.js';

const items = Array.from({ length: 64 }, (_, row) => ({
  ids: (textRows[row % textRows.length] ?? new Int32Array(LENGTH)).subarray(0, LENGTH),
  position: LENGTH - 1,
}));

export const extraction: Subject = {
  name: 'extraction',
  title: 'Hidden states of 64 prompts of 64 tokens, every layer',
  axis: 'd',
  cases: WIDTHS.map((width) =>
    atWidth(width, {
      series: 'extract',
      flops: forwardFlops(width, items.length),
      tokens: items.length * LENGTH,
      prepare: () => onStepModel(width, async (model) => () => extractHiddenStates(model, items)),
    }),
  ),
};
