/** A fault in the pickle; the caller says of which file. */
export class PickleFault extends Error {}

/** The bytes of a pickle, read forward. */
export class PickleCursor {
  #at = 0;
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  /** Moves past `length` bytes and says where they begin. */
  take(length: number): number {
    const begin = this.#at;
    if (begin + length > this.#view.byteLength) throw new PickleFault('its pickle is truncated');
    this.#at += length;
    return begin;
  }

  byte(): number {
    return this.#view.getUint8(this.take(1));
  }
  uint16(): number {
    return this.#view.getUint16(this.take(2), true);
  }
  int32(): number {
    return this.#view.getInt32(this.take(4), true);
  }
  uint32(): number {
    return this.#view.getUint32(this.take(4), true);
  }
  text(length: number): string {
    const begin = this.take(length);
    return new TextDecoder().decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + begin, length));
  }
  line(): string {
    let text = '';
    for (let code = this.byte(); code !== 10; code = this.byte()) text += String.fromCharCode(code);
    return text;
  }
  /** LONG1: a little-endian two's complement number of up to 8 bytes here. */
  long(): number {
    const length = this.byte();
    if (length > 8) throw new PickleFault('it holds a number beyond any size');
    let value = 0n;
    for (let i = 0; i < length; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    return Number(BigInt.asIntN(length * 8, value));
  }
}
