export { transpile } from "../codegen/typescript/transpile.js";
