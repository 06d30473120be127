/**
 * One channel to a server: a deadline on every attempt, and retries.
 *
 * Sent again are UNAVAILABLE, DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED that carries RetryInfo, nothing else; the very
 * same bytes are sent again, so the server counts them once.
 */
import { setTimeout as sleep } from "node:timers/promises";

import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

import type { TlsFiles } from "./access.js";
import { findCredentials, findToken } from "./access.js";
import type { Decision } from "./decision.js";
import { AshaError, decodeError } from "./errors.js";
import type { AttemptKey } from "./session.js";
import { NoSession, Session } from "./session.js";

/** Where warnings go. `console`, pino and winston fit. */
export interface Logger {
  warn(message: string): void;
}

/** How a server is called. Every time is in milliseconds. */
export interface ConnectOptions {
  /** TLS; `{}` trusts the well-known authorities. Default: by the environment's files, then plaintext. */
  readonly tls?: TlsFiles;
  /** An access token, sent as `authorization: Bearer …`. Default: ASHA_TOKEN, the file ASHA_TOKEN_FILE, none. */
  readonly token?: string;
  /** Deadline of each attempt of a call; a long poll has its wait on top. Default 10 000. */
  readonly deadlineMs?: number;
  /** Ceiling of the first pause between two attempts; it doubles with each. Default 200. */
  readonly backoffInitialMs?: number;
  /** Ceiling of every pause between two attempts. Default 20 000. */
  readonly backoffMaxMs?: number;
  /** How long one call is sent again; 0: never. Default: for ever, with warnings. */
  readonly giveUpAfterMs?: number;
  /** Whether a worker's calls go over one stream, where server and proxies carry it. Default true. */
  readonly sessions?: boolean;
  /** Default: `console`. */
  readonly logger?: Logger;
  /** Further options of the gRPC channel; they win over ours. */
  readonly channelOptions?: grpc.ChannelOptions;
}

/** How one call is made; what is absent holds as `connect` was told. */
export interface CallOptions {
  readonly deadlineMs?: number;
  readonly giveUpAfterMs?: number;
  /** Cancels the call: it rejects with code CANCELLED, the signal's reason as its cause. */
  readonly signal?: AbortSignal;
}

const FIRST_WARNING_MS = 1_000;

export class Connection {
  readonly address: string;
  readonly deadlineMs: number;
  readonly logger: Logger;
  readonly #client: grpc.Client;
  readonly #metadata = new grpc.Metadata();
  readonly #session: Session | undefined;
  readonly #backoffInitialMs: number;
  readonly #backoffMaxMs: number;
  readonly #giveUpAfterMs: number;

  constructor(address: string, options: ConnectOptions) {
    this.address = address;
    this.deadlineMs = options.deadlineMs ?? 10_000;
    this.logger = options.logger ?? console;
    this.#backoffInitialMs = options.backoffInitialMs ?? 200;
    this.#backoffMaxMs = options.backoffMaxMs ?? 20_000;
    this.#giveUpAfterMs = options.giveUpAfterMs ?? Infinity;
    const token = findToken(options.token);
    if (token) this.#metadata.set("authorization", `Bearer ${token}`);
    this.#client = new grpc.Client(address, findCredentials(options.tls), {
      // The channel's own back-off grows to two minutes and fails calls meanwhile; ours is enough.
      "grpc.initial_reconnect_backoff_ms": Math.min(100, this.#backoffInitialMs),
      "grpc.max_reconnect_backoff_ms": Math.min(5_000, this.#backoffMaxMs),
      "grpc.enable_retries": 0,
      // A half-open connection is noticed after 20 s. Pings stay rarer than servers tolerate by default.
      "grpc.keepalive_time_ms": 360_000,
      "grpc.keepalive_timeout_ms": 20_000,
      ...options.channelOptions,
    });
    if (options.sessions ?? true) this.#session = new Session(this.#client, this.#metadata);
  }

  /**
   * Sends a request until it is answered.
   *
   * @throws AshaError what the server refused, the last failure when it is time to give up, or code CANCELLED.
   */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const message = create(method.input, request);
    const deadlineMs = options.deadlineMs ?? this.deadlineMs;
    const giveUpAfterMs = options.giveUpAfterMs ?? this.#giveUpAfterMs;
    const began = performance.now();
    let ceilingMs = this.#backoffInitialMs;
    let warnAfterMs = FIRST_WARNING_MS;
    for (let attempts = 1; ; attempts += 1) {
      let failure: AshaError;
      try {
        return await this.#attempt(method, message, deadlineMs, options.signal);
      } catch (error) {
        if (options.signal?.aborted) throw cancelled(options.signal);
        failure = error instanceof AshaError ? error : decodeError(error as grpc.ServiceError);
      }
      if (!failure.isRetryable) throw failure;
      const pauseMs = (failure.retryDelayMs ?? 0) + Math.random() * Math.min(ceilingMs, this.#backoffMaxMs);
      ceilingMs = Math.min(2 * ceilingMs, this.#backoffMaxMs);
      const elapsedMs = performance.now() - began;
      if (elapsedMs + pauseMs > giveUpAfterMs) throw failure;
      if (elapsedMs >= warnAfterMs) {
        warnAfterMs = 2 * elapsedMs;
        const seconds = Math.round(elapsedMs / 1000);
        this.logger.warn(
          `asha: ${method.name} has failed for ${seconds} s (${attempts} attempts), still trying; ` +
            `the server is ${this.address}: ${failure.message}`,
        );
      }
      await pause(pauseMs, options.signal);
    }
  }

  /** Tells a listener what is decided about an attempt unasked, where the server does, until the signal aborts. */
  follow(attempt: AttemptKey, listener: (decision: Decision) => void, until: AbortSignal): void {
    this.#session?.follow(attempt, listener, until);
  }

  /** One attempt: over the session, or alone. */
  async #attempt<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<O>> {
    if (this.#session) {
      try {
        return await this.#session.call(method, request, deadlineMs, signal);
      } catch (error) {
        if (!(error instanceof NoSession)) throw error;
      }
    }
    return this.#unary(method, Buffer.from(toBinary(method.input, request)), deadlineMs, signal);
  }

  #unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: Buffer,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const call = this.#client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (bytes: Buffer) => bytes,
        (bytes) => fromBinary(method.output, bytes),
        request,
        this.#metadata,
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          signal?.removeEventListener("abort", cancel);
          if (error) reject(error);
          else resolve(response!);
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener("abort", cancel);
    });
  }

  close(): void {
    this.#session?.close();
    this.#client.close();
  }
}

/** Waits; rejects with code CANCELLED when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal });
  } catch {
    throw cancelled(signal!);
  }
}

function cancelled(signal: AbortSignal): AshaError {
  return new AshaError("the call was cancelled", { code: "CANCELLED", cause: signal.reason });
}
