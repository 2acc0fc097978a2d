/** The geometry oracles: activations with statistics that NumPy and the authors' own code computed. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../shared/fixtures/geometry/', import.meta.url));

export const hasFixture = existsSync(folder);
export const fixtureReason = hasFixture ? '' : ' (skipped: ../shared/fixtures/geometry is not here)';

export interface ExpectedLayer {
  readonly layer: number;
  readonly dsteer_layer_stats: Readonly<Record<string, number>>;
  readonly mean_vector: readonly number[];
  readonly singular_values: readonly number[];
  readonly singular_values_centred: readonly number[];
  readonly sigma2_over_sigma1: number;
  readonly sigma2_over_sigma1_centred: number;
  readonly spectral_entropy_p_sigma2: number;
  readonly spectral_entropy_p_sigma2_normalized_by_log_rank: number;
  readonly abs_cos_v1_mean: number;
  readonly top_right_singular_vector_sign_ambiguous: readonly number[];
}

export const setNames = ['near_rank_one', 'isotropic'] as const;

export const expectedLayers = (set: string): readonly ExpectedLayer[] =>
  JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')).sets[set].layers;

export interface States {
  readonly layers: number;
  readonly n: number;
  readonly d: number;
  /** [n, d] of one layer, counting from 0. */
  layer(name: 'base' | 'dpo', index: number): Float32Array;
}

/** Reads the safetensors by hand, so that these tests lean on no other folder. */
export const readStates = (set: string): States => {
  const bytes = readFileSync(`${folder}${set}/activations.safetensors`);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength));
  const [layers, n, d] = header.base.shape as [number, number, number];
  return {
    layers,
    n,
    d,
    layer: (name, index) => {
      const start = 8 + headerLength + header[name].data_offsets[0] + index * n * d * 4;
      return Float32Array.from({ length: n * d }, (_, i) => bytes.readFloatLE(start + 4 * i));
    },
  };
};
