/** An experiment and the loop over its trials. */
import { randomUUID } from "node:crypto";

import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";

import type { Connection } from "./connection.js";
import { pause } from "./connection.js";
import { enumName } from "./enum-name.js";
import { AshaError, WorkerFailing } from "./errors.js";
import { claim, defaultWorkerId, incarnationId, unclaim } from "./identity.js";
import type { Assignment, GetSuggestionResponse } from "./pb/asha/v1/suggestion_service_pb.js";
import { FailureKind, SuggestionService, WaitReason, WaitReasonSchema } from "./pb/asha/v1/suggestion_service_pb.js";
import { Trial } from "./trial.js";

const LONG_POLL_MS = 20_000;
const DEFAULT_PAUSE_MS = 1_000;
const LOST_PAUSE_MS = 100;
const FAILURE_LIMIT = 3;

/** How a worker takes trials. */
export interface TrialsOptions {
  /** The worker's name, one trial at a time each. Default: by platform. */
  readonly workerId?: string;
  /** Ends the loop, normally: the trial in hand is released at once, and its `signal` aborts. */
  readonly signal?: AbortSignal;
}

/** One experiment of a server. */
export class Experiment {
  readonly id: string;
  readonly #connection: Connection;
  readonly #closing: AbortSignal;
  readonly #held: Set<Trial>;

  /** Made by `Client.experiment`. */
  constructor(id: string, connection: Connection, closing: AbortSignal, held: Set<Trial>) {
    this.id = id;
    this.#connection = connection;
    this.#closing = closing;
    this.#held = held;
  }

  /**
   * Trials to train, one after the other, until the search is finished.
   *
   * A turn of the loop that ends without a verdict completes its trial. Leaving the loop (`break`, `return`, an error)
   * releases it: JavaScript does not tell an iterator why it was left. So train inside `trial.run`, or call
   * `trial.fail(error)`, where an error is to fail the trial.
   *
   * @throws WorkerFailing three assignments in a row failed without a report.
   * @throws AshaError what the server refused for good.
   */
  async *trials(options: TrialsOptions = {}): AsyncGenerator<Trial, void, undefined> {
    const workerId = options.workerId || (await claim(defaultWorkerId()));
    const signal = AbortSignal.any([this.#closing, ...(options.signal ? [options.signal] : [])]);
    try {
      for (let failures = 0; ;) {
        if (failures >= FAILURE_LIMIT) throw workerFailing(workerId, failures);
        const assignment = await this.#ask(workerId, signal);
        if (!assignment) return;
        const trial = new Trial(assignment, this.#connection, signal);
        this.#held.add(trial);
        let isOver = false;
        try {
          yield trial;
          isOver = true;
        } finally {
          const ended = isOver ? trial.complete() : trial.release("the loop was left");
          await ended.finally(() => this.#held.delete(trial));
        }
        // An infeasible configuration says nothing of this worker.
        if (trial.failure === undefined || trial.hasReported) failures = 0;
        else if (trial.failure !== FailureKind.INFEASIBLE) failures += 1;
      }
    } finally {
      if (!options.workerId) unclaim(workerId);
    }
  }

  /**
   * Trains every trial with a function, until the search is finished. Its errors fail the trial, and the loop goes on.
   *
   * @throws WorkerFailing three assignments in a row failed without a report.
   * @throws AshaError what the server refused for good.
   */
  async run(train: (trial: Trial) => unknown, options: TrialsOptions = {}): Promise<void> {
    for await (const trial of this.trials(options)) await trial.run(train);
  }

  /** The next assignment; undefined when there will be none, or the signal aborts. */
  async #ask(workerId: string, signal: AbortSignal): Promise<Assignment | undefined> {
    let waitMs = LONG_POLL_MS;
    let reason: WaitReason | undefined;
    while (!signal.aborted) {
      const askedAt = performance.now();
      let result: GetSuggestionResponse["result"] | undefined;
      let pauseMs = DEFAULT_PAUSE_MS;
      try {
        result = await this.#suggestion(workerId, waitMs, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!(error instanceof AshaError)) throw error;
        if (error.reason === "LIMIT_EXCEEDED" && waitMs > 0) {
          this.#warn(`the server holds no more waiting calls, asking now and then: ${error.message}`);
          waitMs = 0;
        } else if (error.reason === "LEASE_LOST") {
          pauseMs = LOST_PAUSE_MS; // a retry came so late that its attempt is over: ask anew
        } else {
          throw error;
        }
      }
      if (result?.case === "assignment") return result.value;
      if (result?.case === "finished") return undefined;
      const wait = result?.case === "wait" ? result.value : undefined;
      if (wait && wait.reason !== reason) {
        reason = wait.reason;
        const isNews = reason === WaitReason.WORKER_FAILING || reason === WaitReason.EXPERIMENT_PAUSED;
        if (isNews) this.#warn(`no work for ${workerId}: ${enumName(WaitReasonSchema, reason)}`);
      }
      const wasHeld = waitMs > 0 && performance.now() - askedAt >= waitMs / 2;
      if (wait?.retryAfter) pauseMs = durationMs(wait.retryAfter) || DEFAULT_PAUSE_MS;
      if (!wasHeld) await pause(pauseMs, signal).catch(() => undefined);
    }
    return undefined;
  }

  async #suggestion(workerId: string, waitMs: number, signal: AbortSignal): Promise<GetSuggestionResponse["result"]> {
    const request = {
      experimentId: this.id,
      workerId,
      incarnationId,
      requestId: randomUUID(),
      maxWait: durationFromMs(waitMs),
    };
    const deadlineMs = waitMs + this.#connection.deadlineMs;
    const method = SuggestionService.method.getSuggestion;
    return (await this.#connection.call(method, request, { deadlineMs, signal })).result;
  }

  #warn(message: string): void {
    this.#connection.logger.warn(`asha: experiment ${this.id}: ${message}`);
  }
}

function workerFailing(workerId: string, failures: number): WorkerFailing {
  return new WorkerFailing(
    `${failures} assignments in a row failed on worker ${workerId} without a report; look at the failures' messages ` +
      "(asha trials), mend this machine or the training code, and start the worker again",
    { reason: "WORKER_FAILING", metadata: { worker_id: workerId, failures: String(failures) } },
  );
}
