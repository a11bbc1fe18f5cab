export { emitTfjs, type EmitTfjsOptions } from "../tfjs/emit-tfjs.js";
