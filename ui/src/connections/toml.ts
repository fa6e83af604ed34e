/** A connection as `toque.toml` has it: what the form says, written as a person would write it. */

import type { Connection } from "@/api/types";

/** Of an option that only the file holds: it is never sent to a browser. */
export const WRITTEN = "written in toque.toml";

export interface Draft {
  name: string;
  type: string;
  slots: number | null;
  /** Secrets as `{ secret: "env:NAME" }`. */
  options: Readonly<Record<string, unknown>>;
  /** Names of options whose values only the file has. */
  kept?: readonly string[];
}

/** The lines of a connection's table. */
export function tomlOf({ name, type, slots, options, kept = [] }: Draft): string[] {
  const lines = [`[connections.${keyOf(name)}]`, `type = ${valueOf(type)}`];
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined) lines.push(`${keyOf(key)} = ${valueOf(value)}`);
  }
  if (slots !== null) lines.push(`slots = ${slots}`);
  return [...lines, ...kept.map((key) => `# ${key}: as it is written there`)];
}

/** What a connection that is declared says, with the tables in it. */
export function draftOf(connection: Connection): Draft {
  const options: Record<string, unknown> = {};
  const kept: string[] = [];
  for (const { name, value, secret } of connection.options) {
    if (secret === WRITTEN || (typeof value === "string" && value.includes(":***@"))) kept.push(name);
    else put(options, name.split("."), secret ? { secret } : value);
  }
  return { name: connection.name, type: connection.type, slots: connection.slots, options, kept };
}

function put(into: Record<string, unknown>, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[first] = value;
    return;
  }
  const inner = into[first];
  const table = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
  into[first] = table;
  put(table, rest, value);
}

function keyOf(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** Strings of JSON are basic strings of TOML. */
function valueOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueOf).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(([key, each]) => `${keyOf(key)} = ${valueOf(each)}`);
    return pairs.length ? `{ ${pairs.join(", ")} }` : "{}";
  }
  return JSON.stringify(value);
}
