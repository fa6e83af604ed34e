import { describe, expect, it } from "vitest";
import { bounds, fieldsOf, read, readAll, shown, type Field, type Schema } from "@/pipeline/schema-form";

const schema: Schema = {
  type: "object",
  required: ["day", "table"],
  $defs: { Mode: { enum: ["full", "delta"], title: "Mode", type: "string" } },
  properties: {
    day: { type: "string", format: "date", title: "Day" },
    table: { type: "string", minLength: 2, pattern: "^[a-z]+$" },
    late_minutes: {
      type: "integer",
      default: 15,
      minimum: 0,
      exclusiveMaximum: 60,
      description: "Late after so many.",
    },
    ratio: { anyOf: [{ type: "number", maximum: 1 }, { type: "null" }], default: null },
    mode: { $ref: "#/$defs/Mode", default: "delta" },
    dry: { type: "boolean", default: false },
    names: { type: "array", items: { type: "string" }, maxItems: 2 },
    options: { type: "object", additionalProperties: { type: "integer" } } as Schema,
    either: { anyOf: [{ type: "integer" }, { type: "string" }] },
  },
};
const fields = fieldsOf(schema);
const field = (name: string): Field => {
  const found = fields.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
};

describe("fieldsOf", () => {
  it("knows what pydantic writes, and takes the rest as JSON", () => {
    expect(Object.fromEntries(fields.map((each) => [each.name, each.kind]))).toEqual({
      day: "date",
      table: "text",
      late_minutes: "integer",
      ratio: "number",
      mode: "choice",
      dry: "switch",
      names: "list",
      options: "json",
      either: "json",
    });
  });

  it("starts with defaults, or with what an earlier run was given", () => {
    expect(shown(field("late_minutes"), field("late_minutes").start)).toBe("15");
    expect(shown(field("mode"), "delta")).toBe("1");
    expect(fieldsOf(schema, { late_minutes: 30 })[2]?.start).toBe(30);
    expect([field("ratio").nullable, field("day").required, field("day").label]).toEqual([true, true, "Day"]);
  });

  it("says its bounds in words", () => {
    expect(bounds(field("late_minutes"))).toBe("at least 0, less than 60");
    expect(bounds(field("ratio"))).toBe("at most 1, may be empty");
  });
});

describe("read", () => {
  it("names what is wrong", () => {
    expect(read(field("late_minutes"), "1.5").problem).toBe("Needs a whole number");
    expect(read(field("late_minutes"), "60").problem).toBe("Must be less than 60");
    expect(read(field("day"), "").problem).toBe("Needs a value");
    expect(read(field("table"), "A1").problem).toBe("Must match ^[a-z]+$");
    expect(read(field("names"), "a\nb\nc").problem).toBe("Takes at most 2 items");
    expect(read(field("options"), "{").problem).toMatch(/^Is no JSON/);
  });

  it("leaves out what is empty, so that defaults hold", () => {
    expect(read(field("late_minutes"), "")).toEqual({ value: undefined, problem: "" });
  });

  it("leaves a pattern that only Python can read to the server", () => {
    const python = { ...field("table"), schema: { pattern: "(?P<year>\\d+)" } };
    expect(read(python, "x").problem).toBe("");
  });
});

describe("readAll", () => {
  it("gives typed parameters or problems by name", () => {
    const { parameters, problems } = readAll(fields, {
      day: "2026-11-22",
      table: "x",
      names: "a\n\nb",
      either: "3",
      mode: "0",
    });
    expect(problems).toEqual({ table: "Needs at least 2 characters" });
    expect(parameters).toEqual({
      day: "2026-11-22",
      late_minutes: 15,
      mode: "full",
      dry: false,
      names: ["a", "b"],
      either: 3,
    });
  });
});
