/** What `lvmc` exits with. Scripts rely on these numbers: they never change meaning. */
export const exitCodes = {
  /** Everything was done. */
  ok: 0,
  /** The model file has mistakes (or, with `fmt --check`, is not formatted). */
  model: 1,
  /** The command line has mistakes: unknown options, a model file or a run that is not there. */
  usage: 2,
  /** Data, checkpoints or other files cannot be used, or an output cannot be written. */
  data: 3,
  /** Training met a loss that is not finite. */
  diverged: 4,
  /** The device that was asked for is not there. */
  device: 5,
  /** A bug of lvmc (EX_SOFTWARE of sysexits.h). */
  internal: 70,
  /** Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
