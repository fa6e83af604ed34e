/** Errors of the API: `application/problem+json`, with the fix that the server proposes. */

export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly fix: string;
  readonly errors: readonly FieldError[];

  constructor(status: number, title: string, detail: string, fix = "", errors: readonly FieldError[] = []) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.fix = fix;
    this.errors = errors;
  }
}

export interface FieldError {
  field: string;
  message: string;
}

/** Reads the answer of a failed request; a body that is no problem document still says what happened. */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback = new Problem(response.status, response.statusText || `HTTP ${response.status}`, "");
  if (!(response.headers.get("content-type") ?? "").includes("json")) return fallback;
  try {
    const body = (await response.json()) as Record<string, unknown>;
    return new Problem(
      response.status,
      text(body["title"]) || fallback.title,
      text(body["detail"]),
      text(body["fix"]),
      fieldErrors(body["errors"]),
    );
  } catch {
    return fallback;
  }
}

/** No answer at all: the server is down, or the network is. */
export function unreachable(): Problem {
  return new Problem(0, "The server does not answer", "Nothing came back from Toque's server.", "Is `toque dev` still running?");
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Problem(-1, "This page broke", message, "Reload the page. If it happens again, report it with the text above.");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { field, loc, message, msg } = entry as Record<string, unknown>;
    return [{ field: text(field) || text(loc), message: text(message) || text(msg) }];
  });
}
