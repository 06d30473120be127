/** The conformance driver: does with the public API what standard input says (clients/conformance/README.md). */
import { createInterface } from "node:readline/promises";

import type { DescMethodUnary, JsonValue } from "@bufbuild/protobuf";
import { fromJson, toJson } from "@bufbuild/protobuf";

import type { Client, Decision, Trial } from "asha-client";
import { AshaError, connect, Infeasible, shutdownSignal } from "asha-client";
import { AdminService, ExperimentService, SuggestionService } from "asha-client/pb";

interface Step {
  readonly id: number;
  readonly do: string;
  readonly [field: string]: unknown;
}

/** The body of the loop, waiting to be told how it ends. */
interface Body {
  readonly trial: Trial;
  leave(): void;
  raise(error: Error): void;
  readonly isOver: Promise<void>;
}

const shutdown = shutdownSignal();
let client: Client | undefined;
let workerId = "";
let trials: AsyncGenerator<Trial, void, undefined> | undefined;
let body: Body | undefined;

const steps: Record<string, (step: Step) => Promise<unknown>> = {
  async connect(step) {
    await close();
    workerId = text(step, "worker_id");
    const rootCertificates = text(step, "root_certificates");
    const [clientCertificate, clientKey] = [text(step, "client_certificate"), text(step, "client_key")];
    client = connect(text(step, "address"), {
      ...(rootCertificates && { tls: { rootCertificates, clientCertificate, clientKey } }),
      token: text(step, "token"),
      sessions: step["sessions"] === true,
      ...milliseconds(step, { deadline_s: "deadlineMs", backoff_initial_s: "backoffInitialMs" }),
      ...milliseconds(step, { backoff_max_s: "backoffMaxMs", give_up_after_s: "giveUpAfterMs" }),
    });
    return {};
  },

  async call(step) {
    const [service, name] = text(step, "method").split("/");
    const method = [SuggestionService, ExperimentService, AdminService]
      .find((each) => each.typeName === service)
      ?.methods.find((each) => each.name === name);
    if (method?.methodKind !== "unary") throw new Error(`no unary method ${text(step, "method")}`);
    const cancelAfterS = step["cancel_after_s"];
    const request = fromJson(method.input, step["request"] as JsonValue);
    const response = await required(client).call(method as DescMethodUnary, request, {
      ...milliseconds(step, { deadline_s: "deadlineMs", give_up_after_s: "giveUpAfterMs" }),
      ...(typeof cancelAfterS === "number" && { signal: AbortSignal.timeout(1000 * cancelAfterS) }),
    });
    return toJson(method.output, response);
  },

  async next_trial(step) {
    await leave((each) => each.leave());
    trials ??= required(client).experiment(text(step, "experiment_id")).trials({ workerId, signal: shutdown });
    const { value: trial } = await trials.next();
    if (!trial) return { finished: true };
    body = train(trial);
    return {
      trial: trial.number.toString(),
      attempt: trial.attempt.toString(),
      kind: trial.kind,
      start_step: trial.startStep.toString(),
      resumed_from: trial.checkpoint ?? "",
      target_length: trial.nextDecisionStep.toString(),
      max_length: trial.maxLength.toString(),
      seed: trial.seed,
      configuration: trial.configuration.map(({ name, kind, value }) => [name, kind, jsonOf(value)]),
    };
  },

  async report(step) {
    const metrics = step["metrics"] as Record<string, number | string>;
    const values = Object.entries(metrics).map(([name, value]) => [name, Number(value)]);
    const checkpoint = text(step, "checkpoint") || undefined;
    return decided(await trial().report(integer(step, "step"), Object.fromEntries(values), checkpoint));
  },

  async decision() {
    return decided(trial().decision);
  },

  async checkpoint(step) {
    await trial().saveCheckpoint(integer(step, "step"), text(step, "uri"));
    return {};
  },

  fail: (step) => leave((each) => each.raise(new Error(text(step, "message")))),
  infeasible: (step) => leave((each) => each.raise(new Infeasible(text(step, "message")))),
  end: () => leave((each) => each.leave()),

  async release() {
    await trial().release("released by the case");
    return leave((each) => each.leave());
  },

  close,
};

/** The turn of the loop for one trial, as a body that ends when it is told. */
function train(trial: Trial): Body {
  let leave!: () => void;
  let raise!: (error: Error) => void;
  const told = new Promise<void>((resolve, reject) => ([leave, raise] = [resolve, reject]));
  const isOver = trial.run(() => told);
  isOver.catch(() => undefined); // `leave` hears of it
  return { trial, leave, raise, isOver };
}

async function leave(way: (body: Body) => void): Promise<unknown> {
  const left = body;
  body = undefined;
  if (left) way(left);
  await left?.isOver;
  return {};
}

async function close(): Promise<unknown> {
  await client?.close();
  await leave((each) => each.leave());
  await trials?.return();
  client = trials = undefined;
  return {};
}

const trial = (): Trial => required(body).trial;

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("nothing is connected, or no trial is in hand");
  return value;
}

function text(step: Step, field: string): string {
  return (step[field] as string | undefined) ?? "";
}

function integer(step: Step, field: string): bigint {
  return BigInt((step[field] as number | string | undefined) ?? 0);
}

/** Options in milliseconds, of fields in seconds; absent fields stay absent. */
function milliseconds(step: Step, fields: Record<string, string>): Record<string, number> {
  const present = Object.entries(fields).filter(([field]) => typeof step[field] === "number");
  return Object.fromEntries(present.map(([field, option]) => [option, 1000 * (step[field] as number)]));
}

function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function decided(decision: Decision | undefined): unknown {
  return decision ? { verdict: decision.verdict, reason: decision.reason } : {};
}

function refusal(error: unknown): unknown {
  if (!(error instanceof AshaError)) return { code: "DRIVER", message: String(error) };
  return {
    code: error.code,
    reason: error.reason,
    message: error.message,
    metadata: error.metadata,
    violations: error.violations.map(({ field, description }) => [field, description]),
    retry_delay_s: error.retryDelayMs === undefined ? null : error.retryDelayMs / 1000,
  };
}

const lines = createInterface({ input: process.stdin });
shutdown.addEventListener("abort", () => void close().finally(() => process.exit(0)));
for await (const line of lines) {
  const step = JSON.parse(line) as Step;
  let answer: unknown;
  try {
    const perform = steps[step.do];
    if (!perform) throw new Error(`no step ${step.do}`);
    answer = { id: step.id, ok: await perform(step) };
  } catch (error) {
    answer = { id: step.id, error: refusal(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await close();
