/** A bug of ours, never of the user's: asks for a report. User mistakes are diagnostics. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(`${message} (this is a bug in lvmc: please report it with the model file)`);
  }
}
