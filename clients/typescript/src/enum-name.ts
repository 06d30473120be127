import type { DescEnum } from "@bufbuild/protobuf";

/** The value's name without the enum's prefix; the unknown value of a newer server as its number. */
export function enumName(schema: DescEnum, value: number): string {
  return schema.value[value]?.localName ?? String(value);
}
