/**
 * One stream for the calls of training processes: less work a call, and decisions that nobody asked for.
 *
 * A session carries the same messages as the unary calls, so whatever is not answered when its stream breaks is sent
 * again, on the next one or as a unary call. A server or a proxy that does not carry streams is noticed by the first
 * one, and spoken to with unary calls for a while.
 */
import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";

import type { Decision } from "./decision.js";
import { decodeDecision } from "./decision.js";
import { AshaError, decodeSessionError } from "./errors.js";
import type {
  PushedDecision,
  ReportMetricRequest,
  TrainingSessionRequest,
  TrainingSessionResponse,
} from "./pb/asha/v1/suggestion_service_pb.js";
import { ReportMetricsRequestSchema, SuggestionService } from "./pb/asha/v1/suggestion_service_pb.js";
import { Broken, Stream } from "./stream.js";

/** When a session is tried again with a server that refused one. */
const TRY_AGAIN_AFTER_MS = 600_000;
/** After so many streams in a row that broke before any answer, a unary call is made between. */
const FRUITLESS_MAX = 3;
/** A session that nobody uses is ended after so long: an open stream keeps the process alive. */
const IDLE_MS = 1_000;

/** The server, or what is between, has no sessions: use the unary call. */
export class NoSession extends Error {}

/** One attempt of a trial, about which the server may have something to say unasked. */
export interface AttemptKey {
  readonly experimentId: string;
  readonly number: bigint;
  readonly attempt: bigint;
}

/** The session of a connection: opened by the first call, and again after it broke. */
export class Session {
  readonly #client: grpc.Client;
  readonly #metadata: grpc.Metadata;
  readonly #listeners = new Map<string, (decision: Decision) => void>();
  #stream: Stream | undefined;
  #refusedUntil = -Infinity;
  #fruitless = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(client: grpc.Client, metadata: grpc.Metadata) {
    this.#client = client;
    this.#metadata = metadata;
  }

  /**
   * The answer to what would be one attempt of a unary call.
   *
   * @throws NoSession use the unary call.
   * @throws AshaError what the server refused; UNAVAILABLE or DEADLINE_EXCEEDED: it is to be sent again.
   */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<MessageShape<O>> {
    const asked = carried(method, request);
    if (!asked || performance.now() < this.#refusedUntil) throw new NoSession();
    signal?.throwIfAborted();
    const stream = this.#opened();
    try {
      return answered(await stream.ask(asked, deadlineMs, signal)) as MessageShape<O>;
    } catch (error) {
      throw error instanceof Broken ? this.#verdictOn(stream, error.reason) : error;
    } finally {
      this.#rest();
    }
  }

  /** Tells a listener what is decided about an attempt unasked, until the signal aborts. */
  follow(attempt: AttemptKey, listener: (decision: Decision) => void, until: AbortSignal): void {
    const key = keyOf(attempt.experimentId, attempt.number, attempt.attempt);
    this.#listeners.set(key, listener);
    const forget = () => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
      this.#rest();
    };
    until.addEventListener("abort", forget, { once: true });
    this.#rest();
  }

  /** Ends the stream; the next call opens another one. */
  close(): void {
    clearTimeout(this.#idle);
    this.#stream?.close();
    this.#stream = undefined;
  }

  #opened(): Stream {
    clearTimeout(this.#idle);
    if (!this.#stream || this.#stream.isOver) {
      const stream = new Stream(this.#client, this.#metadata, {
        answered: () => (this.#fruitless = 0),
        pushed: (decision) => this.#push(decision),
        over: () => (this.#fruitless += stream.hasAnswered ? 0 : 1),
      });
      this.#stream = stream;
    }
    return this.#stream;
  }

  /** What to do about a request that a stream did not answer before it ended. */
  #verdictOn(stream: Stream, end: AshaError): Error {
    // What refuses a stream before it ever answered does not carry streams, or has a word to say that a unary call
    // hears better.
    if (!stream.hasAnswered && end.code !== "UNAVAILABLE") {
      if (this.#stream === stream) {
        this.#refusedUntil = performance.now() + TRY_AGAIN_AFTER_MS;
        this.close();
      }
      return new NoSession();
    }
    if (this.#fruitless >= FRUITLESS_MAX) {
      this.#fruitless = 0;
      return new NoSession();
    }
    const { reason, metadata, retryDelayMs } = end;
    const facts = { code: "UNAVAILABLE", reason, metadata, retryDelayMs, cause: end } as const;
    return new AshaError(`the session broke before it was answered: ${end.message}`, facts);
  }

  #push({ experimentId, trialNumber, attempt, decision }: PushedDecision): void {
    this.#listeners.get(keyOf(experimentId, trialNumber, attempt))?.(decodeDecision(decision));
  }

  /** Ends the stream soon if nothing waits for anything that could come over it. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (!this.#stream || this.#stream.isAwaited || this.#listeners.size > 0) return;
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
  }
}

const METHODS: Record<string, string> = Object.fromEntries(
  (
    [
      "getSuggestion",
      "heartbeat",
      "shouldStop",
      "reportCheckpoint",
      "completeTrial",
      "failTrial",
      "releaseTrial",
    ] as const
  ).map((field) => [SuggestionService.method[field].name, field]),
);

/** A request as a session carries it; undefined where it has no place for it. */
function carried(method: DescMethodUnary, request: unknown): TrainingSessionRequest["request"] | undefined {
  if (method.parent.typeName !== SuggestionService.typeName) return undefined;
  if (method.name === SuggestionService.method.reportMetric.name) {
    const value = create(ReportMetricsRequestSchema, { reports: [request as ReportMetricRequest] });
    return { case: "reportMetrics", value };
  }
  const field = METHODS[method.name];
  return field ? ({ case: field, value: request } as TrainingSessionRequest["request"]) : undefined;
}

/**
 * What the unary call would have been answered.
 *
 * @throws AshaError what the server refused.
 */
function answered({ response }: TrainingSessionResponse): unknown {
  if (response.case === "error") throw decodeSessionError(response.value);
  if (response.case !== "reportMetrics") return response.value;
  const result = response.value.results[0]?.result;
  if (result?.case === "error") throw decodeSessionError(result.value);
  return result?.value;
}

function keyOf(experimentId: string, trialNumber: bigint, attempt: bigint): string {
  return `${trialNumber} ${attempt} ${experimentId}`;
}
