export * from "./builtin-data/index.js";
export * from "./data/index.js";
export { kernelDevices, tfjsDevices, type KernelDevice } from "./devices.js";
export { LvmError, type ExitCode, type Facts, type LvmCode } from "./error.js";
export { encodePng } from "./image/encode-png.js";
export { imageGrid, type ImageBytes } from "./image/image-grid.js";
export * from "./kernels/index.js";
export * from "./random/index.js";
export { readSafetensors, writeSafetensors, type SafeTensor, type SafetensorsFile } from "./safetensors.js";
