/** Rotary position embedding as models use it: tables kept as tensors, and heads of which a part alone is turned. */
import { rotary, tf } from '../engine/index.js';
import type { RotaryConfig } from './rotary-config.js';
import { rotaryTables } from './rotary-tables.js';

interface Tables {
  readonly positions: number;
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

export interface Rotation {
  /** Tables [positions, rotaryDim / 2] of at least `reach` positions; the rotation owns them. */
  tables(reach: number): Pick<Tables, 'cos' | 'sin'>;
  /** Turns x [rows, heads·headDim] by the angles of `positions` [rows], of which the last is `reach` − 1. */
  turn(x: tf.Tensor2D, positions: tf.Tensor1D, reach: number): tf.Tensor2D;
  /** Frees the tables. */
  dispose(): void;
}

export interface RotationConfig extends RotaryConfig {
  readonly headDim: number;
  readonly maxPositions: number;
}

/** Tables are made when a longer sequence first needs them; old ones live on, since open gradients may hold them. */
export const createRotation = (config: RotationConfig): Rotation => {
  const { headDim, rotaryDim, maxPositions } = config;
  const made: Tables[] = [];
  const tablesFor = (reach: number): Tables => {
    const found = made.find(({ positions }) => positions >= reach);
    if (found) return found;
    const positions = Math.min(maxPositions, 2 ** Math.ceil(Math.log2(Math.max(64, reach))));
    const { cos, sin } = rotaryTables(config, positions);
    const shape: [number, number] = [positions, rotaryDim / 2];
    const tables = {
      positions,
      cos: tf.keep(tf.tensor2d(cos, shape)),
      sin: tf.keep(tf.tensor2d(sin, shape)),
    };
    made.push(tables);
    return tables;
  };
  return {
    tables: tablesFor,
    turn: (x, positions, reach) => {
      const { cos, sin } = tablesFor(reach);
      if (rotaryDim === headDim) return rotary(x, cos, sin, { positions, headDim });
      const [rows, width] = x.shape;
      const byHead = tf.reshape(x, [(rows * width) / headDim, headDim]);
      const [first, rest] = tf.split(byHead, [rotaryDim, headDim - rotaryDim], 1) as [
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const turned = rotary(tf.reshape(first, [rows, (width / headDim) * rotaryDim]), cos, sin, {
        positions,
        headDim: rotaryDim,
      });
      return tf.reshape(tf.concat([tf.reshape(turned, first.shape), rest], 1), [rows, width]);
    },
    dispose: () => {
      for (const { cos, sin } of made.splice(0)) tf.dispose([cos, sin]);
    },
  };
};
