/**
 * Everything that can go wrong: refusals of the server, failures of network or client (`AshaError`), and the failures
 * that training code raises to say what kind they are (`TrialFailure`).
 */
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { fromBinary } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";

import { enumName } from "./enum-name.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./pb/google/rpc/error_details_pb.js";
import { StatusSchema } from "./pb/google/rpc/status_pb.js";
import type { SessionError } from "./pb/asha/v1/error_pb.js";
import { ErrorReason, ErrorReasonSchema } from "./pb/asha/v1/error_pb.js";
import { FailureKind } from "./pb/asha/v1/suggestion_service_pb.js";

/** Name of a gRPC status code. */
export type Code = keyof typeof status;

/** One field of a request that is wrong. */
export interface FieldViolation {
  /** Proto path (`spec.parameters[2].double_range.max`). */
  readonly field: string;
  /** What is wrong with it and the way out; for people. */
  readonly description: string;
}

/** What is known of an error besides its message. */
export interface ErrorFacts {
  readonly code?: Code | "";
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly retryDelayMs?: number | undefined;
  readonly cause?: unknown;
}

/** A refusal by the server, or a failure of network or client. It never becomes FailTrial. */
export class AshaError extends Error {
  override readonly name: string = "AshaError";
  /** Name of the gRPC status (`ABORTED`); empty for an error of this client. */
  readonly code: Code | "";
  /** Name of `asha.v1.ErrorReason` without its prefix, or any text of a newer server; empty if none was given. */
  readonly reason: string;
  /** Every dynamic part of the message, by stable key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** All wrong fields of the request. */
  readonly violations: readonly FieldViolation[];
  /** Milliseconds after which a retry is worthwhile; undefined if the server named none. */
  readonly retryDelayMs: number | undefined;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.code = facts.code ?? "";
    this.reason = facts.reason ?? "";
    this.metadata = facts.metadata ?? {};
    this.violations = facts.violations ?? [];
    this.retryDelayMs = facts.retryDelayMs;
  }

  /** Whether the same message may be sent again. */
  get isRetryable(): boolean {
    if (this.code === "UNAVAILABLE" || this.code === "DEADLINE_EXCEEDED") return true;
    return this.code === "RESOURCE_EXHAUSTED" && this.retryDelayMs !== undefined;
  }
}

/** Three assignments in a row failed on this worker without one report: look at this machine, not at the search. */
export class WorkerFailing extends AshaError {
  override readonly name = "WorkerFailing";
}

/** Raised by training code to say what kind of failure it is. Any other error is RETRYABLE. */
export abstract class TrialFailure extends Error {
  abstract readonly kind: FailureKind;
}

/** These hyperparameters cannot work: the trial is replaced, and does not count. */
export class Infeasible extends TrialFailure {
  override readonly name = "Infeasible";
  readonly kind = FailureKind.INFEASIBLE;
}

/** The trial would fail again: it is FAILED without another attempt. */
export class PermanentFailure extends TrialFailure {
  override readonly name = "PermanentFailure";
  readonly kind = FailureKind.PERMANENT;
}

/** The checkpoint cannot be read: it is dropped, and the trial starts from scratch. */
export class CheckpointUnreadable extends TrialFailure {
  override readonly name = "CheckpointUnreadable";
  readonly kind = FailureKind.CHECKPOINT_UNREADABLE;
}

/** Whether this attempt is over on the server's side, whatever the worker still says of it. */
export function endsAttempt(error: unknown): error is AshaError {
  return error instanceof AshaError && (error.reason === "LEASE_LOST" || error.reason === "TRIAL_ENDED");
}

/** The kind of failure that an error of the training is; undefined if network, server or client are its root. */
export function failureKind(error: unknown): FailureKind | undefined {
  if (error instanceof TrialFailure) return error.kind;
  let link = error;
  for (let depth = 0; link instanceof Error && depth < 16; depth += 1, link = link.cause) {
    if (link instanceof AshaError) return undefined;
  }
  return FailureKind.RETRYABLE;
}

/** The typed error of a failed call. Details that are missing or unreadable (a proxy answered) leave only the code. */
export function decodeError(error: ServiceError): AshaError {
  let info, bad, retry;
  for (const detail of details(error)) {
    info ??= anyUnpack(detail, ErrorInfoSchema);
    bad ??= anyUnpack(detail, BadRequestSchema);
    retry ??= anyUnpack(detail, RetryInfoSchema);
  }
  const code = (status[error.code] ?? "UNKNOWN") as Code;
  return new AshaError(error.details || error.message, {
    code,
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    violations: bad?.fieldViolations.map(violation) ?? [],
    retryDelayMs: retry?.retryDelay && durationMs(retry.retryDelay),
  });
}

/** The typed error of a request that was refused on a session: as that of the unary call. */
export function decodeSessionError(error: SessionError): AshaError {
  return new AshaError(error.message, {
    code: (status[error.code] ?? "UNKNOWN") as Code,
    reason: error.reason === ErrorReason.UNSPECIFIED ? "" : enumName(ErrorReasonSchema, error.reason),
    metadata: error.metadata,
    violations: error.fieldViolations.map(violation),
    retryDelayMs: error.retryDelay && durationMs(error.retryDelay),
  });
}

function violation({ field, description }: FieldViolation): FieldViolation {
  return { field, description };
}

function details(error: ServiceError): Any[] {
  const [trailer] = error.metadata?.get("grpc-status-details-bin") ?? [];
  try {
    return trailer instanceof Buffer ? fromBinary(StatusSchema, trailer).details : [];
  } catch {
    return [];
  }
}
