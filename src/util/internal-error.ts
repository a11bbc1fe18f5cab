/** A bug of ours, never of the user's: asks for a report. User mistakes are diagnostics. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  /** `problem` is the message without the request for a report. */
  constructor(readonly problem: string) {
    super(`${problem} (this is a bug in lvmc: please report it with the model file)`);
  }
}
