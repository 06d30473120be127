/** One stream of a session, from its opening to its end: requests, and their answers matched by number. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";

import { AshaError, decodeError } from "./errors.js";
import type {
  PushedDecision,
  TrainingSessionRequest,
  TrainingSessionResponse,
} from "./pb/asha/v1/suggestion_service_pb.js";
import {
  SuggestionService,
  TrainingSessionRequestSchema,
  TrainingSessionResponseSchema,
} from "./pb/asha/v1/suggestion_service_pb.js";

const PATH = `/${SuggestionService.typeName}/${SuggestionService.method.trainingSession.name}`;
/** How long the server may take to agree to the end of a stream. */
const END_MS = 500;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The stream ended before the answer came. */
export class Broken extends Error {
  constructor(readonly reason: AshaError) {
    super(reason.message);
  }
}

/** Who hears of a stream. */
export interface Listener {
  /** The first answer came. */
  answered(): void;
  /** The server decided something that nobody asked for. */
  pushed(decision: PushedDecision): void;
  /** It ended otherwise than by `close`. */
  over(): void;
}

interface Pending {
  resolve(response: TrainingSessionResponse): void;
  reject(error: Error): void;
  /** Whether somebody still waits for the answer. */
  isAwaited: boolean;
}

/** One stream. */
export class Stream {
  readonly #call: grpc.ClientDuplexStream<Buffer, TrainingSessionResponse>;
  readonly #listener: Listener;
  readonly #pending = new Map<bigint, Pending>();
  #lastNumber = 0n;
  #hasAnswered = false;
  #end: AshaError | undefined;
  #isClosed = false;
  #ending: NodeJS.Timeout | undefined;

  constructor(client: grpc.Client, metadata: grpc.Metadata, listener: Listener) {
    this.#listener = listener;
    this.#call = client.makeBidiStreamRequest(
      PATH,
      (bytes: Buffer) => bytes,
      (bytes) => fromBinary(TrainingSessionResponseSchema, bytes),
      metadata,
    );
    this.#call.on("data", (response: TrainingSessionResponse) => this.#take(response));
    this.#call.on("error", (error: grpc.ServiceError) => this.#finish(decodeError(error)));
    this.#call.on("end", () => this.#finish(new AshaError("the server ended it", { code: "UNAVAILABLE" })));
  }

  /** Whether anything ever came. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Whether somebody waits for an answer. */
  get isAwaited(): boolean {
    return [...this.#pending.values()].some((each) => each.isAwaited);
  }

  /**
   * The answer to a request.
   *
   * @throws Broken the stream ended first, or never answered anything within the deadline.
   * @throws AshaError DEADLINE_EXCEEDED, or CANCELLED by the signal.
   */
  ask(
    request: TrainingSessionRequest["request"],
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<TrainingSessionResponse> {
    return new Promise((resolve, reject) => {
      if (this.#end) throw new Broken(this.#end);
      const number = this.#send({ request });
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abandon);
      };
      const pending: Pending = {
        isAwaited: true,
        resolve: (response) => (settle(), resolve(response)),
        reject: (error) => (settle(), reject(error)),
      };
      const expire = () => {
        this.#pending.delete(number);
        const late = new AshaError(`no answer on the session for ${deadlineMs / 1000} s`, {
          code: "DEADLINE_EXCEEDED",
        });
        pending.reject(this.#hasAnswered ? late : new Broken(late)); // a proxy that keeps everything back
      };
      const abandon = () => {
        this.#pending.set(number, { isAwaited: false, resolve: (late) => this.#giveBack(late), reject: () => {} });
        pending.reject(new AshaError("the call was cancelled", { code: "CANCELLED" }));
      };
      const timer = setTimeout(expire, Math.min(deadlineMs, MAX_TIMER_MS));
      signal?.addEventListener("abort", abandon);
      this.#pending.set(number, pending);
    });
  }

  /** Ends it: politely where nothing is unanswered, else at once, so that the server gives up what it holds for us. */
  close(): void {
    this.#isClosed = true;
    if (this.#pending.size > 0) return this.#call.cancel();
    this.#call.end();
    this.#ending = setTimeout(() => this.#call.cancel(), END_MS).unref(); // the stream keeps the process alive
  }

  #send(message: MessageInitShape<typeof TrainingSessionRequestSchema>): bigint {
    const requestNumber = (this.#lastNumber += 1n);
    const request = create(TrainingSessionRequestSchema, { ...message, requestNumber });
    this.#call.write(Buffer.from(toBinary(TrainingSessionRequestSchema, request)));
    return requestNumber;
  }

  #take(response: TrainingSessionResponse): void {
    if (!this.#hasAnswered) {
      this.#hasAnswered = true;
      this.#listener.answered();
    }
    if (response.response.case === "pushed") return this.#listener.pushed(response.response.value);
    const pending = this.#pending.get(response.requestNumber);
    this.#pending.delete(response.requestNumber); // none: its deadline has passed
    pending?.resolve(response);
  }

  /** Releases a trial that was handed out to a caller who no longer waits for it. */
  #giveBack({ response }: TrainingSessionResponse): void {
    if (response.case !== "getSuggestion" || response.value.result.case !== "assignment" || this.#end) return;
    const { experimentId, trialNumber, lease } = response.value.result.value;
    const value = { experimentId, trialNumber, leaseToken: lease?.token ?? "", reason: "nobody waits for it any more" };
    this.#send({ request: { case: "releaseTrial", value } });
  }

  #finish(end: AshaError): void {
    if (this.#end) return;
    this.#end = end;
    clearTimeout(this.#ending);
    if (!this.#isClosed) this.#listener.over();
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of lost) pending.reject(new Broken(end));
  }
}
