/** Buffers through which words come back to the host, used again and again. */
export interface Staging {
  /** At least `bytes` long, not mapped. */
  take(bytes: number): GPUBuffer;
  give(buffer: GPUBuffer): void;
  dispose(): void;
}

const usage = { mapRead: 1, copyDestination: 8 } as const;
/** More than are under way at a time are not kept. */
const mostIdle = 4;

export function createStaging(device: GPUDevice): Staging {
  const idle: GPUBuffer[] = [];
  let open = true;
  return {
    take(bytes) {
      // The smallest that is large enough.
      let best = -1;
      idle.forEach(({ size }, at) => {
        if (size >= bytes && (best < 0 || size < (idle[best] as GPUBuffer).size)) best = at;
      });
      const [found] = best < 0 ? [] : idle.splice(best, 1);
      if (found) return found;
      // Some room, so that sizes that differ a little share one; large ones are as large as they must be.
      const size = bytes <= 2 ** 20 ? 2 ** Math.ceil(Math.log2(Math.max(bytes, 256))) : Math.ceil(bytes / 4096) * 4096;
      return device.createBuffer({ label: "staging", size, usage: usage.mapRead | usage.copyDestination });
    },
    give(buffer) {
      if (!open || idle.length >= mostIdle) buffer.destroy();
      else idle.push(buffer);
    },
    dispose() {
      open = false;
      for (const buffer of idle.splice(0)) buffer.destroy();
    },
  };
}
