/** A trial in this worker's hands: what was handed out, and every rule about what becomes of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";

import type { Connection } from "./connection.js";
import type { Decision } from "./decision.js";
import { decodeDecision, stop } from "./decision.js";
import { enumName } from "./enum-name.js";
import { AshaError, endsAttempt, failureKind } from "./errors.js";
import type { Parameter, Value } from "./parameter.js";
import { decodeParameter, valuesByName } from "./parameter.js";
import type { Assignment } from "./pb/asha/v1/suggestion_service_pb.js";
import { FailureKind, SuggestionService } from "./pb/asha/v1/suggestion_service_pb.js";
import { AssignmentKindSchema } from "./pb/asha/v1/trial_pb.js";

const DEFAULT_TTL_MS = 60_000;
const FIRST_HEARTBEAT_PAUSE_MS = 200;
const MAX_MESSAGE_BYTES = 2_000;
const RELEASE_MS = 2_000;

/** What would resume at a step: its name (a path or URI), or a function that saves it and returns its name. */
export type Checkpoint = string | (() => string | Promise<string>);

/** One trial as it was handed to this worker. Every int64 of the wire is a bigint. */
export class Trial {
  readonly experimentId: string;
  /** 0-based. */
  readonly number: bigint;
  /** From 1. */
  readonly attempt: bigint;
  /** NEW, PROMOTED, RETRIED, RESUMED or ENQUEUED; any text of a newer server. */
  readonly kind: string;
  /** Typed values, in declared order; inactive conditional parameters are absent. */
  readonly configuration: readonly Parameter[];
  /** The same by full name, JSON parsed: `Number(trial.parameters.lr)`. */
  readonly parameters: Readonly<Record<string, Value>>;
  /** For the training's randomness, 0 to 2^31 - 1. */
  readonly seed: number;
  /** Resume at this step, in units; 0: from scratch. */
  readonly startStep: bigint;
  /** What to load before training; undefined: from scratch. */
  readonly checkpoint: string | undefined;
  /** Units that a surviving trial trains in all. */
  readonly maxLength: bigint;
  /** Name of the unit, for people; may be empty. */
  readonly unit: string;
  /** Name of the search metric; reports without it decide nothing. */
  readonly metric: string;
  /** Index of the trial's bracket. */
  readonly bracket: number;
  /** Index of the rung it trains towards. */
  readonly rung: number;

  readonly #connection: Connection;
  readonly #shutdown: AbortSignal;
  readonly #lease: { experimentId: string; trialNumber: bigint; leaseToken: string };
  /** Aborts with the verdict, or the end by this worker. */
  readonly #over = new AbortController();
  /** Aborts with the end by this worker: cancels its calls in flight. */
  readonly #ended = new AbortController();
  #ending: Promise<void> | undefined;
  #ttlMs: number;
  #renewedAt = performance.now();
  #decision: Decision | undefined;
  #nextDecisionStep: bigint;
  #lastStep: bigint;
  #hasReported = false;
  #failure: FailureKind | undefined;

  /** Made by `Experiment.trials`. When `shutdown` aborts, the trial is released. */
  constructor(assignment: Assignment, connection: Connection, shutdown: AbortSignal) {
    const { experimentId, trialNumber, lease } = assignment;
    this.experimentId = experimentId;
    this.number = trialNumber;
    this.attempt = lease?.attempt ?? 0n;
    this.kind = enumName(AssignmentKindSchema, assignment.kind);
    this.configuration = assignment.parameters.map(decodeParameter);
    this.parameters = valuesByName(this.configuration);
    this.seed = assignment.trialSeed;
    this.startStep = assignment.startStep;
    this.checkpoint = assignment.checkpointUri || undefined;
    this.maxLength = assignment.maxLength;
    this.unit = assignment.unit;
    this.metric = assignment.metric;
    this.bracket = assignment.bracket;
    this.rung = assignment.rung;
    this.#connection = connection;
    this.#shutdown = shutdown;
    this.#lease = { experimentId, trialNumber, leaseToken: lease?.token ?? "" };
    this.#ttlMs = (lease?.ttl && durationMs(lease.ttl)) || DEFAULT_TTL_MS;
    this.#nextDecisionStep = assignment.nextDecisionStep;
    this.#lastStep = assignment.startStep;
    const release = () => void this.release("the worker shuts down");
    shutdown.addEventListener("abort", release, { signal: this.#over.signal });
    connection.follow(this, (decision) => this.#note(decision), this.#over.signal);
    if (shutdown.aborted) release();
    void this.#keepAlive();
  }

  /** The newest decision heard, by a report, a heartbeat or unasked; undefined before the first. */
  get decision(): Decision | undefined {
    return this.#decision;
  }

  /** Train at least this far, then report, in units; 0 after STOP and PAUSE. */
  get nextDecisionStep(): bigint {
    return this.isHeld ? this.#nextDecisionStep : 0n;
  }

  /** The last step reported in this attempt; `startStep` before the first. */
  get lastStep(): bigint {
    return this.#lastStep;
  }

  /** Whether there is still a lease to keep: no STOP, no PAUSE, not ended by this worker. */
  get isHeld(): boolean {
    return !this.#over.signal.aborted;
  }

  /** Aborts as soon as the training is to leave off, also when that is learnt between two reports. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether anything was reported in this attempt. */
  get hasReported(): boolean {
    return this.#hasReported;
  }

  /** How this worker failed it; undefined if it did not. */
  get failure(): FailureKind | undefined {
    return this.#failure;
  }

  /** The steps to train, from the last reported + 1 to `maxLength`; ends by itself on STOP and PAUSE. */
  *steps(): Generator<bigint, void, undefined> {
    // A trial that starts at maxLength (it was saved, and its report was lost) still has one report to make.
    let step = this.#lastStep < this.maxLength ? this.#lastStep + 1n : this.maxLength;
    for (; step <= this.maxLength && this.isHeld; step += 1n) yield step;
  }

  /**
   * Trains: a failure of the body fails the trial, its normal end without a verdict completes it.
   *
   * @throws AshaError of network, server or client, raised in the body: it fails no trial, which is released instead.
   */
  async run(body: (trial: Trial) => unknown): Promise<void> {
    try {
      await body(this);
    } catch (error) {
      if (failureKind(error) === undefined) {
        await this.release(String(error));
        throw error;
      }
      const isToldToStop = !this.isHeld && error instanceof Error && error.name === "AbortError";
      if (!isToldToStop) this.#warn(`failed: ${inspect(error)}`);
      return this.fail(error);
    }
    return this.complete();
  }

  /**
   * Reports metrics, and answers what was decided once both are durable.
   *
   * A lost lease is a STOP; a step that was reported with another value warns, and what was decided stands.
   *
   * @param step units trained so far.
   * @param metrics values by name; NaN and infinities are legal.
   * @param checkpoint a function is called only where a checkpoint is needed: before a report that can be decided,
   *     and after a PAUSE that nobody could foresee.
   * @throws AshaError what the server refused for good.
   */
  async report(
    step: bigint | number,
    metrics: Readonly<Record<string, number>>,
    checkpoint?: Checkpoint,
  ): Promise<Decision> {
    const at = BigInt(step);
    if (this.#ending) return this.#decision!;
    const isDue = Object.hasOwn(metrics, this.metric) && at >= this.#nextDecisionStep;
    const isNeeded = isDue || this.#decision?.verdict === "PAUSE";
    const uri = typeof checkpoint === "function" ? (isNeeded ? await checkpoint() : "") : (checkpoint ?? "");
    const decision = await this.#decide(() => this.#sendReport(at, metrics, uri));
    this.#hasReported ||= decision.reason !== "LEASE_LOST";
    if (at > this.#lastStep) this.#lastStep = at;
    if (decision.nextDecisionStep > this.#nextDecisionStep) this.#nextDecisionStep = decision.nextDecisionStep;
    if (decision.verdict === "PAUSE" && typeof checkpoint === "function" && !uri) {
      await this.saveCheckpoint(at, await checkpoint());
    }
    return decision;
  }

  /** Tells of a complete checkpoint that would resume at this step. One that comes too late changes nothing. */
  async saveCheckpoint(step: bigint | number, checkpointUri: string): Promise<void> {
    const request = { ...this.#lease, step: BigInt(step), checkpointUri };
    await this.#decide(async () => {
      return decodeDecision((await this.#call(SuggestionService.method.reportCheckpoint, request)).decision);
    });
  }

  /** The training ended by itself and is over. After STOP or PAUSE, here and below, nothing is sent. */
  complete(): Promise<void> {
    return this.#end("TRIAL_ENDED", () => this.#tell(SuggestionService.method.completeTrial, this.#lease));
  }

  /**
   * The training failed.
   *
   * @param error what happened: any error; `Infeasible`, `PermanentFailure` and `CheckpointUnreadable` say their kind.
   */
  fail(error: unknown): Promise<void> {
    return this.#end("TRIAL_ENDED", () => {
      const kind = (this.#failure = failureKind(error) ?? FailureKind.RETRYABLE);
      const message = clipped(typeof error === "string" ? error : inspect(error));
      return this.#tell(SuggestionService.method.failTrial, { ...this.#lease, kind, message });
    });
  }

  /** Lets the trial go: another worker goes on from the last checkpoint, uncounted. Takes at most two seconds. */
  release(reason = ""): Promise<void> {
    return this.#end("LEASE_LOST", async () => {
      const request = { ...this.#lease, reason: clipped(reason) };
      const signal = AbortSignal.timeout(RELEASE_MS);
      try {
        await this.#connection.call(SuggestionService.method.releaseTrial, request, { deadlineMs: RELEASE_MS, signal });
      } catch (error) {
        this.#warn(`could not be given back, its lease runs out in ${this.#ttlMs / 1000} s: ${String(error)}`);
      }
    });
  }

  /** Ends the attempt, once, and remembers what its own reports are answered from now on. */
  #end(reason: string, send: () => Promise<void>): Promise<void> {
    if (!this.#ending) {
      this.#ending = this.isHeld ? send() : Promise.resolve();
      this.#note(stop(reason));
      this.#ended.abort();
    }
    return this.#ending;
  }

  async #tell<I extends DescMessage>(
    method: DescMethodUnary<I, DescMessage>,
    request: MessageInitShape<I>,
  ): Promise<void> {
    try {
      await this.#connection.call(method, request, { signal: this.#shutdown });
    } catch (error) {
      const isGone = endsAttempt(error) || (error instanceof AshaError && error.code === "NOT_FOUND");
      if (!isGone && !this.#shutdown.aborted) throw error;
      this.#warn(`${method.name} came too late: ${String(error)}`);
    }
  }

  #call<I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>, request: MessageInitShape<I>) {
    return this.#connection.call(method, request, { signal: this.#ended.signal });
  }

  async #sendReport(step: bigint, metrics: Readonly<Record<string, number>>, checkpointUri: string): Promise<Decision> {
    const values = Object.entries(metrics).map(([name, value]) => ({ name, value }));
    const request = { ...this.#lease, step, metrics: values, checkpointUri };
    try {
      const response = await this.#call(SuggestionService.method.reportMetric, request);
      return decodeDecision(response.decision, response.deletableCheckpointUris);
    } catch (error) {
      if (!(error instanceof AshaError && error.reason === "METRIC_CONFLICT")) throw error;
      this.#warn(`has another value recorded at step ${step}; the first one stands: ${error.message}`);
      if (checkpointUri) await this.saveCheckpoint(step, checkpointUri);
      return decodeDecision((await this.#call(SuggestionService.method.heartbeat, this.#lease)).decision);
    }
  }

  /** What a call that renews the lease says is to become of the attempt. */
  async #decide(ask: () => Promise<Decision>): Promise<Decision> {
    let decision: Decision;
    try {
      decision = await ask();
      this.#renewedAt = performance.now();
    } catch (error) {
      if (this.#ending && error instanceof AshaError && error.code === "CANCELLED") return this.#decision!;
      if (!endsAttempt(error)) throw error;
      if (this.isHeld) this.#warn(`ends on this worker: ${error.message}`);
      decision = stop(error.reason);
    }
    this.#note(decision);
    return decision;
  }

  /** Takes a decision in; STOP and PAUSE never change once said. */
  #note(decision: Decision): void {
    if (!this.isHeld) return;
    this.#decision = decision;
    if (decision.verdict !== "CONTINUE") this.#over.abort();
  }

  /**
   * Sends a heartbeat whenever nothing renewed the lease for a third of its ttl, through every failure of network and
   * server: a worker that comes back before its trial was handed on keeps it.
   */
  async #keepAlive(): Promise<void> {
    const signal = this.#over.signal;
    for (let failures = 0; this.isHeld;) {
      const intervalMs = this.#ttlMs / 3;
      const pauseMs = failures
        ? Math.random() * Math.min(intervalMs, FIRST_HEARTBEAT_PAUSE_MS * 2 ** failures)
        : this.#renewedAt + intervalMs - performance.now();
      if (pauseMs > 0) {
        // Not a reason for the process to stay alive.
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
        if (failures === 0) continue; // a report may have renewed it meanwhile
      }
      if (this.isHeld) failures = (await this.#beat(intervalMs)) ? 0 : failures + 1;
    }
  }

  /** One heartbeat; whether it was answered. */
  async #beat(intervalMs: number): Promise<boolean> {
    const deadlineMs = Math.min(intervalMs, this.#connection.deadlineMs);
    const options = { deadlineMs, giveUpAfterMs: 0, signal: this.#over.signal };
    try {
      await this.#decide(async () => {
        const response = await this.#connection.call(SuggestionService.method.heartbeat, this.#lease, options);
        if (response.lease?.ttl) this.#ttlMs = durationMs(response.lease.ttl) || this.#ttlMs;
        return decodeDecision(response.decision);
      });
      return true;
    } catch (error) {
      const refusal = error instanceof AshaError && !error.isRetryable ? error : undefined;
      if (refusal && this.isHeld) this.#warn(`heartbeat refused: ${refusal.message}`);
      if (refusal?.code === "NOT_FOUND") this.#note(stop(refusal.reason));
      return false;
    }
  }

  #warn(message: string): void {
    this.#connection.logger.warn(`asha: trial ${this.number} of ${this.experimentId} ${message}`);
  }
}

function clipped(text: string): string {
  return Buffer.from(text).subarray(0, MAX_MESSAGE_BYTES).toString();
}
