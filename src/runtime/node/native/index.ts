export { hostVectorWidth } from "./compiler.js";
export { checkNative, createNativeModule, type NativeOptions } from "./create-native-module.js";
export { nativeFailure, nativeFailures, type NativeFailure } from "./failure.js";
