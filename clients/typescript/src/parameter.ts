/** Configurations: from the wire's parameters to typed values. */
import type { JsonValue } from "@bufbuild/protobuf";

import type { Parameter as ParameterMessage } from "./pb/asha/v1/trial_pb.js";

/** One parameter of a configuration. The kind is that of the declaration, whatever the value looks like. */
export type Parameter = {
  /** Full path, nested names joined by dots (`optimizer.momentum`). */
  readonly name: string;
} & (
  | { readonly kind: "double"; readonly value: number }
  /** Exact over all of int64. */
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  /** Null, a list or a map, as canonical JSON text. */
  | { readonly kind: "json"; readonly value: string }
  /** A kind of a newer server. */
  | { readonly kind: "unknown"; readonly value: null }
);

/** A parameter's value; the JSON kind is parsed. */
export type Value = bigint | JsonValue;

export function decodeParameter({ name, value }: ParameterMessage): Parameter {
  const kind = value?.kind;
  switch (kind?.case) {
    case "doubleValue":
      return { name, kind: "double", value: kind.value };
    case "intValue":
      return { name, kind: "int", value: kind.value };
    case "stringValue":
      return { name, kind: "string", value: kind.value };
    case "boolValue":
      return { name, kind: "bool", value: kind.value };
    case "jsonValue":
      return { name, kind: "json", value: kind.value };
    default:
      return { name, kind: "unknown", value: null };
  }
}

/** Values by full path. */
export function valuesByName(configuration: readonly Parameter[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    configuration.map((parameter) => [
      parameter.name,
      parameter.kind === "json" ? (JSON.parse(parameter.value) as JsonValue) : parameter.value,
    ]),
  );
}
