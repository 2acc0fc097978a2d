/** A zip archive of uncompressed entries, as torch.save lays it out (checksums left at zero: they are not read). */
export const storedZip = (
  entries: readonly { name: string; data: Uint8Array; method?: number; flags?: number }[],
): Uint8Array => {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, data, method = 0, flags = 0 } of entries) {
    const nameBytes = new TextEncoder().encode(name);
    const fields = (view: DataView, at: number): void => {
      view.setUint16(at, 20, true);
      view.setUint16(at + 2, flags, true);
      view.setUint16(at + 4, method, true);
      view.setUint32(at + 14, data.byteLength, true);
      view.setUint32(at + 18, data.byteLength, true);
      view.setUint16(at + 22, nameBytes.byteLength, true);
    };
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    fields(local, 4);
    const central = new DataView(new ArrayBuffer(46));
    central.setUint32(0, 0x02014b50, true);
    fields(central, 6);
    central.setUint32(42, offset, true);
    parts.push(new Uint8Array(local.buffer), nameBytes, data);
    directory.push(new Uint8Array(central.buffer), nameBytes);
    offset += 30 + nameBytes.byteLength + data.byteLength;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(
    12,
    directory.reduce((sum, { byteLength }) => sum + byteLength, 0),
    true,
  );
  end.setUint32(16, offset, true);
  return Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]);
};

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const unicode = (value: string): Uint8Array => {
  const bytes = new TextEncoder().encode(value);
  return Buffer.concat([Uint8Array.of(0x58, bytes.length, 0, 0, 0), bytes]);
};
const int = (value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(5));
  view.setUint8(0, 0x4a);
  view.setInt32(1, value, true);
  return new Uint8Array(view.buffer);
};
const tuple = (values: readonly number[]): Uint8Array =>
  Buffer.concat([text('('), ...values.map(int), text('t')]);

export interface PickledTensorSpec {
  readonly storageType?: string;
  readonly key: string;
  readonly storageSize: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
}

const contiguous = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));

/** The pickle of {name: tensor}, with `extra` opcodes put in before the end. */
export const tensorPickle = (
  tensors: Readonly<Record<string, PickledTensorSpec>>,
  extra: Uint8Array = new Uint8Array(0),
): Uint8Array =>
  Buffer.concat([
    Uint8Array.of(0x80, 2),
    text('}('),
    ...Object.entries(tensors).flatMap(
      ([name, { storageType = 'FloatStorage', key, storageSize, offset = 0, shape, strides }]) => [
        unicode(name),
        text('ctorch._utils\n_rebuild_tensor_v2\n(('),
        unicode('storage'),
        text(`ctorch\n${storageType}\n`),
        unicode(key),
        unicode('cpu'),
        int(storageSize),
        text('tQ'),
        int(offset),
        tuple(shape),
        tuple(strides ?? contiguous(shape)),
        text('\x89ccollections\nOrderedDict\n)RtR'),
      ],
    ),
    text('u'),
    extra,
    text('.'),
  ]);

/** Opcodes that would have Python call `os.system(command)`. */
export const systemCall = (command: string): Uint8Array =>
  Buffer.concat([text('cos\nsystem\n('), unicode(command), text('tR0')]);
