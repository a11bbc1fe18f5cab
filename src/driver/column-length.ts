export { columnLength } from "../ir/model/row-length.js";
