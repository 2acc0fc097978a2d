/** Just enough of zip to find the stored (uncompressed) entries of a torch.save archive, zip64 included. */
import type { FileHandle } from 'node:fs/promises';

export interface ZipEntry {
  /** Where its data begin in the file. */
  readonly begin: number;
  readonly bytes: number;
}

export type ReadBytes = (position: number, length: number) => Promise<DataView>;

/** A fault in the archive; the caller says of which file. */
export class ZipFault extends Error {}

const endRecordBytes = 22;
const maxCommentBytes = 65_535;
const maxDirectoryBytes = 64 * 1024 * 1024;

export const createByteReader =
  (handle: FileHandle): ReadBytes =>
  async (position, length) => {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) throw new ZipFault('it is truncated');
      done += bytesRead;
    }
    return new DataView(bytes.buffer);
  };

const readUint64 = (view: DataView, offset: number): number => {
  const value = Number(view.getBigUint64(offset, true));
  if (!Number.isSafeInteger(value)) throw new ZipFault('it gives a size beyond what a file can have');
  return value;
};

interface Directory {
  readonly begin: number;
  readonly bytes: number;
}

const findDirectory = async (read: ReadBytes, fileBytes: number): Promise<Directory> => {
  const tailBytes = Math.min(fileBytes, endRecordBytes + maxCommentBytes);
  const tailBegin = fileBytes - tailBytes;
  const tail = await read(tailBegin, tailBytes);
  let at = tailBytes - endRecordBytes;
  while (at >= 0 && tail.getUint32(at, true) !== 0x06054b50) at--;
  if (at < 0) throw new ZipFault('it is truncated or no zip archive: it has no end record');
  const directory = { begin: tail.getUint32(at + 16, true), bytes: tail.getUint32(at + 12, true) };
  if (directory.begin !== 0xffffffff && directory.bytes !== 0xffffffff) return directory;
  const locator = at - 20;
  if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50)
    throw new ZipFault('its zip64 locator is missing');
  const recordAt = readUint64(tail, locator + 8);
  if (recordAt + 56 > fileBytes) throw new ZipFault('its zip64 end record lies outside the file');
  const record = await read(recordAt, 56);
  if (record.getUint32(0, true) !== 0x06064b50) throw new ZipFault('its zip64 end record is damaged');
  return { begin: readUint64(record, 48), bytes: readUint64(record, 40) };
};

/** Sizes and offset of an entry whose 32-bit fields are saturated: the zip64 extra field has them in this order. */
const readZip64Fields = (
  extra: DataView,
  fields: { size: number; stored: number; offset: number },
): { size: number; stored: number; offset: number } => {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    const widen = (value: number): number => {
      if (value !== 0xffffffff) return value;
      if (next + 8 > extra.byteLength) throw new ZipFault('its zip64 fields are damaged');
      next += 8;
      return readUint64(extra, next - 8);
    };
    return { size: widen(fields.size), stored: widen(fields.stored), offset: widen(fields.offset) };
  }
  return fields;
};

/**
 * The entries of an archive by name.
 *
 * @throws ZipFault for a damaged archive, and for compressed or encrypted entries
 */
export const readZipEntries = async (read: ReadBytes, fileBytes: number): Promise<Map<string, ZipEntry>> => {
  if (fileBytes < endRecordBytes) throw new ZipFault('it is truncated');
  const { begin, bytes } = await findDirectory(read, fileBytes);
  if (begin + bytes > fileBytes) throw new ZipFault('its directory lies outside the file');
  if (bytes > maxDirectoryBytes) throw new ZipFault(`its directory claims ${bytes} bytes`);
  const directory = await read(begin, bytes);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0; at + 46 <= bytes; ) {
    if (directory.getUint32(at, true) !== 0x02014b50) throw new ZipFault('its directory is damaged');
    const nameBytes = directory.getUint16(at + 28, true);
    const extraBytes = directory.getUint16(at + 30, true);
    const next = at + 46 + nameBytes + extraBytes + directory.getUint16(at + 32, true);
    if (next > bytes) throw new ZipFault('its directory is damaged');
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameBytes));
    if ((directory.getUint16(at + 8, true) & 1) !== 0) throw new ZipFault(`its entry "${name}" is encrypted`);
    if (directory.getUint16(at + 10, true) !== 0) throw new ZipFault(`its entry "${name}" is compressed`);
    const { size, offset } = readZip64Fields(
      new DataView(directory.buffer, at + 46 + nameBytes, extraBytes),
      {
        size: directory.getUint32(at + 24, true),
        stored: directory.getUint32(at + 20, true),
        offset: directory.getUint32(at + 42, true),
      },
    );
    if (offset + 30 > fileBytes) throw new ZipFault(`its entry "${name}" lies outside the file`);
    const local = await read(offset, 30);
    if (local.getUint32(0, true) !== 0x04034b50) throw new ZipFault(`its entry "${name}" is damaged`);
    const dataBegin = offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    if (dataBegin + size > fileBytes) throw new ZipFault(`its entry "${name}" lies outside the file`);
    if (entries.has(name)) throw new ZipFault(`it has two entries "${name}"`);
    entries.set(name, { begin: dataBegin, bytes: size });
    at = next;
  }
  return entries;
};
