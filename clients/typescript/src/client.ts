/** The client of one server. */
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

import type { CallOptions, ConnectOptions } from "./connection.js";
import { Connection } from "./connection.js";
import { Experiment } from "./experiment.js";
import type { Trial } from "./trial.js";

const DEFAULT_ADDRESS = "localhost:50051";

/**
 * A client of one server. Does no I/O but reading the files of `tls`: the first call connects.
 *
 * @param address `host:port` or `unix:path`. Default: the environment's ASHA_SERVER, then `localhost:50051`.
 */
export function connect(address?: string, options: ConnectOptions = {}): Client {
  return new Client(new Connection(address || process.env["ASHA_SERVER"] || DEFAULT_ADDRESS, options));
}

/** One server. `await using` closes it. */
export class Client implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #closing = new AbortController();
  readonly #held = new Set<Trial>();

  /** Made by `connect`. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** An experiment, by its id; asks nothing. */
  experiment(id: string): Experiment {
    return new Experiment(id, this.#connection, this.#closing.signal, this.#held);
  }

  /**
   * One call of any unary method, with deadline, token, retries and typed errors:
   * `client.call(ExperimentService.method.getTrial, { experimentId, trialNumber: 7n })`.
   *
   * Give creations a `requestId`, so that one that is sent again counts once.
   *
   * @throws AshaError what the server refused, the last failure when it is time to give up, or code CANCELLED.
   */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    return this.#connection.call(method, request, { ...options, signal: AbortSignal.any(signals) });
  }

  /** Ends loops and calls, releases the trials in hand, and closes the connection; within two seconds. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#held].map((trial) => trial.release()));
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A signal that aborts on SIGTERM or SIGINT, for `trials({ signal })`. A second one ends the process. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  const names = ["SIGTERM", "SIGINT"] as const;
  const abort = (name: NodeJS.Signals) => {
    for (const each of names) process.off(each, abort);
    controller.abort(new Error(name));
  };
  for (const name of names) process.on(name, abort);
  return controller.signal;
}
