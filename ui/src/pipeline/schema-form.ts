/**
 * A form out of the JSON Schema of a pipeline's parameters: which fields, with which values, and what is wrong with them.
 *
 * It reads what pydantic writes (draft 2020-12: `$defs`, `anyOf` with null, formats, enums, bounds). What it does not
 * know becomes a field of JSON text, so that every pipeline can be started. The server judges in the end.
 */

export interface Schema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export type FieldKind =
  "text" | "integer" | "number" | "switch" | "choice" | "date" | "datetime" | "time" | "list" | "json";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly kind: FieldKind;
  readonly required: boolean;
  readonly nullable: boolean;
  readonly choices: readonly unknown[];
  readonly schema: Schema;
  /** What the field shows before anybody wrote into it; `undefined`: nothing. */
  readonly start: unknown;
}

/** The fields of an object schema, in the author's order. */
export function fieldsOf(root: Schema, given: Readonly<Record<string, unknown>> = {}): Field[] {
  const required = new Set(root.required ?? []);
  return Object.entries(root.properties ?? {}).map(([name, raw]) => {
    const { schema, nullable } = resolved(raw, root);
    const choices = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
    return {
      name,
      label: raw.title ?? schema.title ?? name,
      description: raw.description ?? schema.description ?? "",
      kind: kindOf(schema, root),
      required: required.has(name),
      nullable,
      choices,
      schema,
      start: name in given ? given[name] : (raw.default ?? schema.default),
    };
  });
}

/** `$ref` followed and `anyOf` with null opened. */
function resolved(schema: Schema, root: Schema): { schema: Schema; nullable: boolean } {
  let each = schema;
  let nullable = false;
  for (let depth = 0; depth < 10; depth += 1) {
    if (each.$ref) {
      const name = each.$ref.split("/").pop() ?? "";
      each = { ...(root.$defs?.[name] ?? {}), ...without(each, "$ref") };
      continue;
    }
    const single = each.allOf?.length === 1 ? each.allOf[0] : undefined;
    if (single) {
      each = { ...single, ...without(each, "allOf") };
      continue;
    }
    const options = each.anyOf ?? each.oneOf;
    const others = options?.filter((option) => option.type !== "null");
    if (options && others && others.length < options.length) nullable = true;
    const only = others?.length === 1 ? others[0] : undefined;
    if (!only) break;
    each = { ...only, ...without(without(each, "anyOf"), "oneOf") };
  }
  if (Array.isArray(each.type) && each.type.includes("null")) {
    const types = each.type.filter((type) => type !== "null");
    nullable = true;
    each = { ...each, type: types.length === 1 ? types[0] : types };
  }
  return { schema: each, nullable };
}

function without(schema: Schema, name: keyof Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== name));
}

function kindOf(schema: Schema, root: Schema): FieldKind {
  if (schema.enum || schema.const !== undefined) return "choice";
  switch (schema.type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return schema.type;
    case "string":
      return schema.format === "date"
        ? "date"
        : schema.format === "date-time"
          ? "datetime"
          : schema.format === "time"
            ? "time"
            : "text";
    case "array": {
      const inner = schema.items ? resolved(schema.items, root).schema : {};
      return inner.type === "string" && !inner.enum ? "list" : "json";
    }
    default:
      return "json";
  }
}

/** What stands in the control of a field that has this value. */
export function shown(field: Field, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (field.kind === "json") return JSON.stringify(value, null, 2);
  if (field.kind === "list" && Array.isArray(value)) return value.map(String).join("\n");
  if (field.kind === "choice") return String(field.choices.findIndex((choice) => same(choice, value)));
  return typeof value === "string" ? value : JSON.stringify(value);
}

export type Read = { value: unknown; problem: "" } | { value?: undefined; problem: string };

/** The value that was typed, or what is wrong with it. An empty field is left out, so that its default holds. */
export function read(field: Field, text: string): Read {
  if (text === "" && field.kind !== "switch") {
    if (field.nullable && field.start !== undefined && field.start !== null) return { value: null, problem: "" };
    const textual = field.kind === "text" && field.required && !(field.schema.minLength ?? 0);
    if (textual) return { value: "", problem: "" };
    return field.required ? { problem: "Needs a value" } : { value: undefined, problem: "" };
  }
  const { value, problem } = parsed(field, text);
  return problem ? { problem } : judged(field.schema, value);
}

function parsed(field: Field, text: string): Read {
  switch (field.kind) {
    case "integer":
      return /^\s*[+-]?\d+\s*$/.test(text) ? { value: Number(text), problem: "" } : { problem: "Needs a whole number" };
    case "number":
      return text.trim() && Number.isFinite(Number(text))
        ? { value: Number(text), problem: "" }
        : { problem: "Needs a number" };
    case "switch":
      return { value: text === "true", problem: "" };
    case "choice":
      return { value: field.choices[Number(text)], problem: "" };
    case "list":
      return { value: text.split("\n").filter((line) => line.trim() !== ""), problem: "" };
    case "json":
      try {
        return { value: JSON.parse(text) as unknown, problem: "" };
      } catch (error) {
        return { problem: `Is no JSON: ${error instanceof Error ? error.message : String(error)}` };
      }
    case "datetime":
      return Number.isNaN(Date.parse(text)) ? { problem: "Needs a date and a time" } : { value: text, problem: "" };
    default:
      return { value: text, problem: "" };
  }
}

function judged(schema: Schema, value: unknown): Read {
  const problem =
    typeof value === "number"
      ? ofNumber(schema, value)
      : typeof value === "string"
        ? ofText(schema, value)
        : ofList(schema, value);
  return problem ? { problem } : { value, problem: "" };
}

function ofNumber(schema: Schema, value: number): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (minimum !== undefined && value < minimum) return `Must be at least ${minimum}`;
  if (maximum !== undefined && value > maximum) return `Must be at most ${maximum}`;
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return `Must be more than ${exclusiveMinimum}`;
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return `Must be less than ${exclusiveMaximum}`;
  if (multipleOf && Math.abs(value / multipleOf - Math.round(value / multipleOf)) > 1e-9)
    return `Must be a multiple of ${multipleOf}`;
  return "";
}

function ofText(schema: Schema, value: string): string {
  const { minLength, maxLength, pattern, format } = schema;
  if (minLength !== undefined && value.length < minLength) return `Needs at least ${minLength} characters`;
  if (maxLength !== undefined && value.length > maxLength) return `Takes at most ${maxLength} characters`;
  if (pattern !== undefined && !matches(pattern, value)) {
    return format === "secret" ? "Needs where it is kept, as env:NAME or file:path" : `Must match ${pattern}`;
  }
  return "";
}

/** Python's patterns are not all of JavaScript's: one that cannot be read here is left to the server. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function ofList(schema: Schema, value: unknown): string {
  if (!Array.isArray(value)) return "";
  if (schema.minItems !== undefined && value.length < schema.minItems) return `Needs at least ${schema.minItems} items`;
  if (schema.maxItems !== undefined && value.length > schema.maxItems) return `Takes at most ${schema.maxItems} items`;
  return "";
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** All fields read: the parameters of the run, and the problems by name. */
export function readAll(
  fields: readonly Field[],
  texts: Readonly<Record<string, string>>,
): { parameters: Record<string, unknown>; problems: Record<string, string> } {
  const parameters: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const { value, problem } = read(field, texts[field.name] ?? shown(field, field.start));
    if (problem) problems[field.name] = problem;
    else if (value !== undefined) parameters[field.name] = value;
  }
  return { parameters, problems };
}

/** The bounds of a field in words, for its hint. */
export function bounds({ schema, nullable }: Field): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  return [
    minimum !== undefined && `at least ${minimum}`,
    exclusiveMinimum !== undefined && `more than ${exclusiveMinimum}`,
    maximum !== undefined && `at most ${maximum}`,
    exclusiveMaximum !== undefined && `less than ${exclusiveMaximum}`,
    schema.pattern && schema.format !== "secret" && `matches ${schema.pattern}`,
    nullable && "may be empty",
  ]
    .filter(Boolean)
    .join(", ");
}
