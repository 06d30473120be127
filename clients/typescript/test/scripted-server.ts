/**
 * A real gRPC server on a free port whose every answer is written down beforehand.
 *
 * A scripted answer is used once; then the method's standing answer holds. By default there is one trial of three
 * steps, which goes on until its last report, and then no more work. A session takes its answers from the same scripts
 * as the unary calls.
 */
import { EventEmitter, once } from "node:events";

import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";

import type { Client, ConnectOptions } from "asha-client";
import { connect } from "asha-client";
import {
  AdminService,
  AssignmentKind,
  DecisionReason,
  ErrorReason,
  ExperimentService,
  SuggestionService,
  TrainingSessionResponseSchema,
  Verdict,
} from "asha-client/pb";
import type {
  AssignmentSchema,
  DecisionSchema,
  PushedDecisionSchema,
  ReportMetricRequest,
  SessionErrorSchema,
  TrainingSessionRequest,
  TrainingSessionResponse,
} from "asha-client/pb";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../src/pb/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/pb/google/rpc/status_pb.js";

/** An error in place of an answer; without a reason it has no details at all, as a proxy answers. */
export class Refusal {
  constructor(
    readonly code: keyof typeof grpc.status,
    readonly reason = "",
    readonly facts: {
      metadata?: Record<string, string>;
      violations?: { field: string; description: string }[];
      retryDelayMs?: number;
    } = {},
  ) {}
}

/** No answer at all: the call is held until the client gives it up. */
export const SILENCE = Symbol("silence");

type Answer = object | Refusal | typeof SILENCE;

interface Received {
  readonly method: string;
  readonly request: unknown;
  readonly metadata: grpc.Metadata;
  /** The stream that it came over, 0 for the first; undefined: alone. */
  readonly stream: number | undefined;
  /** By performance.now(). */
  readonly at: number;
}

export class ScriptedServer {
  readonly received: Received[] = [];
  readonly standing = new Map<string, (request: never) => Answer>([
    ["GetSuggestion", () => this.#firstOrFinished()],
    ["ReportMetric", ({ step }: ReportMetricRequest) => ({ decision: step < 3n ? GOES_ON : STOPS })],
    ["Heartbeat", () => ({ decision: GOES_ON, lease: { ttl: durationFromMs(60_000) } })],
    ["ReportCheckpoint", () => ({ decision: GOES_ON })],
  ]);
  address = "";
  /** The streams that were opened, or refused, so far. */
  readonly streams: SessionStream[] = [];
  /** What a stream is told as it opens: nothing, or why it is refused. */
  onStream: (stream: SessionStream) => Refusal | undefined = () => undefined;
  readonly #server = new grpc.Server();
  readonly #scripts = new Map<string, Answer[]>();
  readonly #arrivals = new EventEmitter();
  readonly #clients: Client[] = [];
  #wasAssigned = false;

  static async start(address = "127.0.0.1:0", credentials = grpc.ServerCredentials.createInsecure()) {
    const server = new ScriptedServer();
    for (const service of [SuggestionService, ExperimentService, AdminService]) {
      const methods = service.methods.filter((method) => method.methodKind === "unary");
      server.#server.addService(
        Object.fromEntries(methods.map((method) => [method.localName, definition(method)])),
        Object.fromEntries(methods.map((method) => [method.localName, server.#handler(method)])),
      );
    }
    server.#server.addService(
      { trainingSession: definition(SuggestionService.method.trainingSession) },
      { trainingSession: (call: SessionCall) => server.#carry(call) },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.#server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    server.address = address.replace(/:0$/, `:${port}`);
    return server;
  }

  /** Answers for the next calls of a method. */
  script(method: string, ...answers: Answer[]): void {
    this.#scripts.set(method, [...(this.#scripts.get(method) ?? []), ...answers]);
  }

  /** The requests of a method so far. */
  requests<T extends DescMessage>(method: DescMethod & { readonly input: T }): MessageShape<T>[] {
    const calls = this.received.filter((each) => each.method === method.name);
    return calls.map((each) => each.request as MessageShape<T>);
  }

  /** Names of the methods called so far, in order. */
  get calls(): string[] {
    return this.received.map((each) => each.method);
  }

  /** Waits until a method was called so often in all. */
  async arrival(method: string, count = 1): Promise<void> {
    const signal = AbortSignal.timeout(10_000);
    while (this.calls.filter((each) => each === method).length < count) await once(this.#arrivals, "call", { signal });
  }

  /** A client that is closed with the server; quick to retry and silent, unless told otherwise. */
  connect(options: ConnectOptions = {}): Client {
    const client = connect(this.address, {
      backoffInitialMs: 1,
      backoffMaxMs: 5,
      logger: { warn: () => undefined },
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#server.forceShutdown();
  }

  #firstOrFinished(): Answer {
    if (this.#wasAssigned) return FINISHED;
    this.#wasAssigned = true;
    return assigned();
  }

  #handler(method: DescMethod): grpc.handleUnaryCall<DescMessage, DescMessage> {
    return ({ request, metadata }, respond) => {
      const answer = this.#answer({ method: method.name, request, metadata, stream: undefined });
      if (answer instanceof Refusal) respond(statusOf(answer));
      else if (answer !== SILENCE)
        respond(null, create(method.output, answer as Record<string, unknown>) as unknown as DescMessage);
    };
  }

  #answer(call: Omit<Received, "at">): Answer {
    this.received.push({ ...call, at: performance.now() });
    const standing = this.standing.get(call.method) ?? (() => ({}));
    const answer = this.#scripts.get(call.method)?.shift() ?? standing(call.request as never);
    this.#arrivals.emit("call");
    return answer;
  }

  #carry(call: SessionCall): void {
    const stream = new SessionStream(call, (method, request) =>
      this.#answer({ method, request, metadata: call.metadata, stream: number }),
    );
    const number = this.streams.push(stream) - 1;
    const refusal = this.onStream(stream);
    if (refusal) stream.break(refusal);
  }
}

type SessionCall = grpc.ServerDuplexStream<TrainingSessionRequest, TrainingSessionResponse>;

/** The server's end of one session. */
export class SessionStream {
  /** Numbers of the requests so far. */
  readonly numbers: bigint[] = [];
  /** How its client ended it: "end" politely, "cancelled" otherwise, undefined not yet. */
  ending: "end" | "cancelled" | undefined;
  /** Whether nothing is answered, as behind a proxy that keeps everything back. */
  isMute = false;
  readonly #call: SessionCall;
  readonly #answer: (method: string, request: unknown) => Answer;

  constructor(call: SessionCall, answer: (method: string, request: unknown) => Answer) {
    this.#call = call;
    this.#answer = answer;
    call.on("data", (message: TrainingSessionRequest) => this.#take(message));
    call.on("error", () => undefined);
    call.on("cancelled", () => (this.ending ??= "cancelled"));
    call.on("end", () => {
      this.ending ??= "end";
      call.end();
    });
  }

  push(pushed: MessageInitShape<typeof PushedDecisionSchema>): void {
    this.#write({ response: { case: "pushed", value: pushed } });
  }

  /** Answers a request whose scripted answer was silence. */
  answer(requestNumber: bigint, response: object): void {
    this.#write({ requestNumber, response });
  }

  break(refusal: Refusal): void {
    this.#call.emit("error", statusOf(refusal));
  }

  #take({ requestNumber, request }: TrainingSessionRequest): void {
    this.numbers.push(requestNumber);
    if (this.isMute) return;
    if (request.case === "reportMetrics") {
      const [report, ...further] = request.value.reports;
      if (further.length > 0) throw new Error("the scripts are for one report a message");
      const answer = this.#answer("ReportMetric", report);
      if (answer === SILENCE) return;
      const result =
        answer instanceof Refusal ? { case: "error", value: errorOf(answer) } : { case: "response", value: answer };
      return this.#write({ requestNumber, response: { case: "reportMetrics", value: { results: [{ result }] } } });
    }
    const method = SuggestionService.method[request.case as keyof typeof SuggestionService.method];
    const answer = this.#answer(method.name, request.value);
    if (answer === SILENCE) return;
    const response =
      answer instanceof Refusal ? { case: "error", value: errorOf(answer) } : { case: request.case, value: answer };
    this.#write({ requestNumber, response });
  }

  #write(message: object): void {
    this.#call.write(
      create(TrainingSessionResponseSchema, message as MessageInitShape<typeof TrainingSessionResponseSchema>),
    );
  }
}

export const GOES_ON = decided(Verdict.CONTINUE, DecisionReason.BETWEEN_RUNGS);
export const STOPS = decided(Verdict.STOP, DecisionReason.MAX_LENGTH);
export const PAUSES = decided(Verdict.PAUSE, DecisionReason.AWAITING_PROMOTION);
export const FINISHED = { result: { case: "finished", value: {} } };

export function decided(verdict: Verdict, reason: DecisionReason): MessageInitShape<typeof DecisionSchema> {
  return { verdict, reason, bracket: 0, rung: -1 };
}

/** An answer of GetSuggestion: trial 0 of three steps, unless told otherwise. */
export function assigned(fields: MessageInitShape<typeof AssignmentSchema> = {}, ttlMs = 60_000) {
  const value = {
    experimentId: "e",
    kind: AssignmentKind.NEW,
    lease: { token: "lease", attempt: 1n, ttl: durationFromMs(ttlMs) },
    nextDecisionStep: 3n,
    maxLength: 3n,
    metric: "loss",
    ...fields,
  };
  return { result: { case: "assignment", value } };
}

function definition(method: DescMethod): grpc.MethodDefinition<DescMessage, DescMessage> {
  const serialize = (schema: DescMessage) => (message: unknown) =>
    Buffer.from(toBinary(schema, message as MessageShape<DescMessage>));
  const deserialize = (schema: DescMessage) => (bytes: Buffer) => fromBinary(schema, bytes) as unknown as DescMessage;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "bidi_streaming",
    requestSerialize: serialize(method.input),
    requestDeserialize: deserialize(method.input),
    responseSerialize: serialize(method.output),
    responseDeserialize: deserialize(method.output),
  };
}

function statusOf({ code, reason, facts }: Refusal): Partial<grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  if (reason) {
    const info = create(ErrorInfoSchema, { reason, domain: "asha.v1", metadata: facts.metadata ?? {} });
    const details = [anyPack(ErrorInfoSchema, info)];
    if (facts.violations) {
      const bad = create(BadRequestSchema, { fieldViolations: facts.violations });
      details.push(anyPack(BadRequestSchema, bad));
    }
    if (facts.retryDelayMs !== undefined) {
      const retry = create(RetryInfoSchema, { retryDelay: durationFromMs(facts.retryDelayMs) });
      details.push(anyPack(RetryInfoSchema, retry));
    }
    const status = create(StatusSchema, { code: grpc.status[code], message: "refused", details });
    metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  }
  return { code: grpc.status[code], details: "refused", metadata };
}

function errorOf({ code, reason, facts }: Refusal): MessageInitShape<typeof SessionErrorSchema> {
  return {
    code: grpc.status[code],
    reason: ErrorReason[(reason || "UNSPECIFIED") as keyof typeof ErrorReason],
    message: "refused",
    metadata: facts.metadata ?? {},
    fieldViolations: facts.violations ?? [],
    ...(facts.retryDelayMs !== undefined && { retryDelay: durationFromMs(facts.retryDelayMs) }),
  };
}
