/** Bytes one after another, in a block that grows; numbers as the binary format of WebAssembly has them. */
export class ByteWriter {
  private block = new Uint8Array(1024);
  private length = 0;

  byte(value: number): void {
    if (this.length === this.block.length) this.grow(1);
    this.block[this.length++] = value;
  }

  /** LEB128. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    for (; rest >= 128; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  /** Signed LEB128 of 32 bits. */
  signed(value: number): void {
    let rest = value | 0;
    for (; rest < -64 || rest > 63; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest & 0x7f);
  }

  /** Four bytes, the lowest first. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  /** ASCII with its length. */
  name(text: string): void {
    this.unsigned(text.length);
    for (let at = 0; at < text.length; at++) this.byte(text.charCodeAt(at));
  }

  /** What `write` writes, behind its length. */
  sized(write: (part: ByteWriter) => void): void {
    const part = new ByteWriter();
    write(part);
    this.unsigned(part.length);
    this.all(part);
  }

  /** Items behind their number. */
  vector<Item>(items: readonly Item[], write: (item: Item) => void): void {
    this.unsigned(items.length);
    for (const item of items) write(item);
  }

  all(other: ByteWriter): void {
    this.grow(other.length);
    this.block.set(other.block.subarray(0, other.length), this.length);
    this.length += other.length;
  }

  bytes(): Uint8Array {
    return this.block.slice(0, this.length);
  }

  private grow(by: number): void {
    if (this.length + by <= this.block.length) return;
    const block = new Uint8Array(Math.max(2 * this.block.length, this.length + by));
    block.set(this.block.subarray(0, this.length));
    this.block = block;
  }
}
