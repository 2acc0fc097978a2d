/** Reads the regular files of a tar archive (ustar with pax or GNU long names), as npm packs them. */

export interface TarEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

const textOf = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
};

const paxPath = (bytes: Uint8Array): string | undefined =>
  /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(bytes))?.[1];

/** @throws Error when the archive ends within a file */
export function* readTar(archive: Uint8Array): Generator<TarEntry> {
  let longName: string | undefined;
  for (let offset = 0; offset + BLOCK <= archive.length; ) {
    const header = archive.subarray(offset, offset + BLOCK);
    if (header[0] === 0) return;
    const size = Number.parseInt(textOf(header.subarray(124, 136)).trim() || '0', 8);
    const start = offset + BLOCK;
    if (!(size >= 0) || start + size > archive.length) throw new Error('the tar archive is cut short');
    const body = archive.subarray(start, start + size);
    const kind = String.fromCharCode(header[156] ?? 0);
    if (kind === 'x') longName = paxPath(body) ?? longName;
    else if (kind === 'L') longName = textOf(body);
    else {
      const prefix = textOf(header.subarray(345, 500));
      const name = textOf(header.subarray(0, 100));
      if (kind === '0' || kind === '\0') {
        yield { path: longName ?? (prefix ? `${prefix}/${name}` : name), bytes: body };
      }
      longName = undefined;
    }
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}
