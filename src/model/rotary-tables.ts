/** Rotary position embedding (RoPE, arXiv 2104.09864 §3.2.2) with the frequency scalings of Hugging Face. */
import type { RotaryConfig } from './rotary-config.js';

/** Angle per position of each of the rotaryDim/2 planes that are turned. */
export const inverseFrequencies = ({ rotaryDim, ropeTheta, ropeScaling }: RotaryConfig): Float64Array => {
  const plain = Float64Array.from({ length: rotaryDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / rotaryDim));
  if (ropeScaling.type === 'none') return plain;
  if (ropeScaling.type === 'linear') return plain.map((frequency) => frequency / ropeScaling.factor);
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = ropeScaling;
  return plain.map((frequency) => {
    const turns = (originalPositions * frequency) / (2 * Math.PI);
    if (turns < lowFrequencyFactor) return frequency / factor;
    if (turns > highFrequencyFactor) return frequency;
    const smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
};

/** cos and sin [positions, rotaryDim/2], row-major, of the angle of each position and plane. */
export const rotaryTables = (
  config: RotaryConfig,
  positions: number,
): { readonly cos: Float32Array; readonly sin: Float32Array } => {
  const frequencies = inverseFrequencies(config);
  const planes = frequencies.length;
  const cos = new Float32Array(positions * planes);
  const sin = new Float32Array(positions * planes);
  for (let position = 0; position < positions; position++) {
    for (let plane = 0; plane < planes; plane++) {
      const angle = position * (frequencies[plane] ?? 0);
      cos[position * planes + plane] = Math.cos(angle);
      sin[position * planes + plane] = Math.sin(angle);
    }
  }
  return { cos, sin };
};
