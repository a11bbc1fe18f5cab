import type { KernelState } from "./state.js";

/** A copy of the state to go back to; its memory is used again each time. */
export interface Snapshots {
  /** The step at which the copy was made. */
  readonly step: number;
  /** The state's tensors are as they are on the device, or were at `moment`. */
  take(moment?: Moment): void;
  /** The device does not know yet. */
  restore(): void;
}

export interface Moment {
  readonly step: number;
  readonly epoch: number;
  readonly epochStep: number;
}

export const momentOf = ({ step, position }: KernelState): Moment => ({ step, epoch: position.epoch, epochStep: position.step });

export function createSnapshots(state: KernelState): Snapshots {
  const copies = new Map<string, Float32Array>();
  let { step, epoch, epochStep } = momentOf(state);
  return {
    get step() {
      return step;
    },
    take(moment = momentOf(state)) {
      for (const [name, { values }] of state.tensors) {
        const copy = copies.get(name);
        if (copy) copy.set(values);
        else copies.set(name, values.slice());
      }
      ({ step, epoch, epochStep } = moment);
    },
    restore() {
      for (const [name, copy] of copies) state.tensors.get(name)?.values.set(copy);
      state.step = step;
      Object.assign(state.position, { epoch, step: epochStep });
    },
  };
}
