/**
 * The TypeScript client of the ASHA server.
 *
 *     const experiment = connect("localhost:50051").experiment("digits");
 *     for await (const trial of experiment.trials()) {
 *       await trial.run(async () => {
 *         for (const step of trial.steps()) await trial.report(step, { val_loss: trainOneEpoch() });
 *       });
 *     }
 *
 * Read `experiment.ts` first (the loop), then `trial.ts` (every rule about a trial), `connection.ts` (deadlines and
 * retries) and `session.ts` (one stream for all calls). The messages of the wire are in `asha-client/pb`.
 */
export type { TlsFiles } from "./access.js";
export { Client, connect, shutdownSignal } from "./client.js";
export type { CallOptions, ConnectOptions, Logger } from "./connection.js";
export type { Decision, Verdict } from "./decision.js";
export {
  AshaError,
  CheckpointUnreadable,
  Infeasible,
  PermanentFailure,
  TrialFailure,
  WorkerFailing,
} from "./errors.js";
export type { Code, ErrorFacts, FieldViolation } from "./errors.js";
export { Experiment } from "./experiment.js";
export type { TrialsOptions } from "./experiment.js";
export type { Parameter, Value } from "./parameter.js";
export { Trial } from "./trial.js";
export type { Checkpoint } from "./trial.js";
