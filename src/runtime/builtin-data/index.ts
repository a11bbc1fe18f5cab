export type { BuiltinData, BuiltinParameter, ColumnInfo, Split } from "./builtin.js";
export { builtinData, checkBuiltinArguments, findBuiltinData, makeBuiltinData, parseBuiltinCall } from "./registry.js";
