import { openSafetensors } from '../store/index.js';

/** A file of named tensors, whatever its format: what `openActivations` needs of it. */
export interface TensorSource {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Rows [fromRow, toRow) of a tensor seen as [product of all sizes but the last, last size]. */
  readRows(name: string, fromRow: number, toRow: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export const openSafetensorsSource = async (path: string): Promise<TensorSource> => {
  const file = await openSafetensors(path);
  return {
    shapes: new Map([...file.tensors].map(([name, { shape }]) => [name, shape])),
    metadata: file.metadata,
    readRows: (name, fromRow, toRow) => file.readRows(name, fromRow, toRow),
    close: () => file.close(),
  };
};
