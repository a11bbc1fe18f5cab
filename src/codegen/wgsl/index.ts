export { renderWgsl } from "./render.js";
