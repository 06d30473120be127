/** What the server decided about an attempt, as a value. */
import type { Decision as DecisionMessage } from "./pb/asha/v1/trial_pb.js";
import { DecisionReasonSchema, Verdict as VerdictValue } from "./pb/asha/v1/trial_pb.js";
import { enumName } from "./enum-name.js";

/** What to do with the training now. */
export type Verdict = "CONTINUE" | "STOP" | "PAUSE";

/** What was decided about an attempt, with its explanation. */
export interface Decision {
  /** Go on, stop, or pause; a verdict that this client does not know reads STOP. */
  readonly verdict: Verdict;
  /** Why: name of `asha.v1.DecisionReason` without prefix; any text of a newer server. */
  readonly reason: string;
  /** Index of the trial's bracket; -1 if it has none. */
  readonly bracket: number;
  /** Index of the last rung compared at; -1 if none yet. */
  readonly rung: number;
  /** 0-based place among the competitors, 0 the best; undefined when nothing was compared. */
  readonly rank: bigint | undefined;
  /** Entries in the rung at that moment; 0 when nothing was compared. */
  readonly competitors: bigint;
  /** Worst value inside the part that goes on, in the metric's unit; undefined if there is none. */
  readonly cutoff: number | undefined;
  /** Units: train at least this far, then report; 0 after STOP and PAUSE. */
  readonly nextDecisionStep: bigint;
  /** Sequence of the event that stored it; 0 before the first report. */
  readonly sequence: bigint;
  /** Checkpoints of any trial that the search can never resume from again: delete them if you like. */
  readonly deletableCheckpoints: readonly string[];
}

/** The decision of a message of the wire. An absent one reads STOP, as an unknown verdict does. */
export function decodeDecision(message: DecisionMessage | undefined, deletable: readonly string[] = []): Decision {
  if (!message) return stop("");
  const { verdict, reason, bracket, rung, rank, competitors, cutoff, nextDecisionStep, sequence } = message;
  return {
    verdict: verdict === VerdictValue.CONTINUE ? "CONTINUE" : verdict === VerdictValue.PAUSE ? "PAUSE" : "STOP",
    reason: enumName(DecisionReasonSchema, reason),
    bracket,
    rung,
    rank,
    competitors,
    cutoff,
    nextDecisionStep,
    sequence,
    deletableCheckpoints: deletable,
  };
}

/** A STOP that no message of the wire says: the lease is lost, or was given back. */
export function stop(reason: string): Decision {
  return {
    verdict: "STOP",
    reason,
    bracket: -1,
    rung: -1,
    rank: undefined,
    competitors: 0n,
    cutoff: undefined,
    nextDecisionStep: 0n,
    sequence: 0n,
    deletableCheckpoints: [],
  };
}
