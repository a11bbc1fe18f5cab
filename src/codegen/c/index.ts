export { renderC } from "./render.js";
