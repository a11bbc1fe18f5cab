import { describe, expect, it } from "vitest";
import { chooseDevice, estimateMicroseconds, gpuMargin } from "../../src/runtime/kernels/choose-device.js";

const native = { gflops: 100, gbytes: 50, dispatchMicroseconds: 1 };
const gpu = { gflops: 20_000, gbytes: 1000, dispatchMicroseconds: 5 };
const vae = { flops: 433e6, bytes: 29e6, kernels: 14 };

describe("the rule that chooses a device", () => {
  it("adds dispatches, arithmetic and memory: by hand", () => {
    // 14 · 1 + 433e6 / 100e9 s + 29e6 / 50e9 s.
    expect(estimateMicroseconds(vae, native)).toBeCloseTo(14 + 4330 + 580, 6);
    expect(estimateMicroseconds(vae, gpu)).toBeCloseTo(70 + 21.65 + 29, 6);
  });

  it("takes a GPU that gains, and says by how much", () => {
    const { device, reason, microseconds } = chooseDevice(vae, { native, webgpu: gpu });
    expect(device).toBe("webgpu");
    expect(reason).toBe("a step takes about 121 µs on the GPU and 4.92 ms on native: 40.8× faster");
    expect(Object.keys(microseconds)).toEqual(["native", "webgpu"]);
  });

  // A GPU that is hardly faster is not worth its start.
  it("wants a margin", () => {
    const near = (factor: number) => chooseDevice(vae, { native, webgpu: { gflops: native.gflops * factor, gbytes: native.gbytes * factor, dispatchMicroseconds: native.dispatchMicroseconds / factor } });
    expect(near(gpuMargin * 1.001).device).toBe("webgpu");
    expect(near(gpuMargin * 0.999)).toMatchObject({ device: "native", reason: expect.stringContaining("less than the 1.3×") });
    expect(near(0.5).device).toBe("native");
  });

  it("never takes a GPU for tiny steps, whatever was measured", () => {
    expect(chooseDevice({ flops: 1e6, bytes: 1e5, kernels: 4 }, { native, webgpu: { gflops: 1e9, gbytes: 1e9, dispatchMicroseconds: 0 } })).toMatchObject({ device: "native", reason: "a step of 1.0 MFLOP is too small for a GPU" });
  });

  it("compares with WebAssembly where nothing is compiled, and takes what there is", () => {
    expect(chooseDevice(vae, { wasm: native, webgpu: gpu }).reason).toContain("on wasm");
    expect(chooseDevice(vae, { native })).toMatchObject({ device: "native", reason: "no hardware GPU" });
    expect(chooseDevice(vae, {}).device).toBe("wasm");
    expect(chooseDevice(vae, { webgpu: gpu }).device).toBe("webgpu");
  });
});
