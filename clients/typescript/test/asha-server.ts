/** The real server, in a process of its own that can be killed and started again on the same file and port. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";

import type { MessageInitShape } from "@bufbuild/protobuf";

import type { Client, ConnectOptions } from "asha-client";
import { connect } from "asha-client";
import type { ExperimentSpecSchema } from "asha-client/pb";
import { AdminService, ExperimentService, Goal } from "asha-client/pb";

export class AshaServer {
  address = "127.0.0.1:0";
  readonly #folder = mkdtempSync(join(tmpdir(), "asha-"));
  readonly #clients: Client[] = [];
  #process: ChildProcess | undefined;

  /** Starts `asha`, which must be on PATH. */
  static async start(): Promise<AshaServer> {
    const server = new AshaServer();
    await server.restart();
    return server;
  }

  /** Kills it, if it runs, and starts it where it was. */
  async restart(): Promise<void> {
    await this.#kill();
    const database = join(this.#folder, "asha.db");
    const child = spawn("asha", ["serve", "--database", database, "--listen", this.address], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    const failure = once(child, "error").then(([error]) => {
      throw new Error("the server cannot be started: put the folder of `asha` on PATH", { cause: error });
    });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    const end = once(child, "exit").then(() => {
      throw new Error(`the server ended before it listened: ${log}`);
    });
    const listening = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.startsWith("listening on ")) return line.slice("listening on ".length);
      }
      return end;
    })();
    for (const each of [failure, end, listening]) each.catch(() => undefined);
    this.address = await Promise.race([failure, listening, end]);
    child.stdout.resume();
  }

  /** A client that is closed with the server; quick to retry and silent. */
  connect(options: ConnectOptions = {}): Client {
    const client = connect(this.address, { backoffMaxMs: 200, logger: { warn: () => undefined }, ...options });
    this.#clients.push(client);
    return client;
  }

  /** A search at random of so many trials of so many steps. */
  async create(experimentId: string, maxTrials: bigint, maxLength: bigint): Promise<void> {
    const spec: MessageInitShape<typeof ExperimentSpecSchema> = {
      metric: { name: "loss", goal: Goal.MINIMIZE },
      parameters: [{ name: "lr", kind: { case: "doubleRange", value: { min: 0, max: 1 } } }],
      method: { case: "randomSearch", value: {} },
      maxTrials,
      maxLength,
    };
    await this.connect().call(ExperimentService.method.createExperiment, { experimentId, spec });
  }

  /** How many sessions are open. */
  async sessions(): Promise<bigint> {
    return (await this.connect().call(AdminService.method.getServerInfo, {})).openSessionCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#kill();
    rmSync(this.#folder, { recursive: true });
  }

  async #kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
}
