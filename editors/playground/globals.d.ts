declare module "monaco-lsp-client" {
  export function createTransportToWorker(worker: Worker): unknown;
  export class MonacoLspClient {
    constructor(transport: unknown);
  }
}
