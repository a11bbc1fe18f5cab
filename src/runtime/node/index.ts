export { writeFileAtomic } from "./atomic-file.js";
export { loadData, parseDataSource, type DataSource, type LoadOptions } from "./data-sources.js";
export { readImageFolder, readImages, type ImageFolder } from "./image-folder.js";
export { readFileBytes } from "./read-file.js";
export { createRunFolder, openRunFolder, sanitizeName, type RunFolder, type RunFolderOptions } from "./run-folder.js";
