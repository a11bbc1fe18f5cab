export { format } from "../parser/print.js";
