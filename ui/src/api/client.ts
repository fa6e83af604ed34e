/** The one place that talks HTTP to the server. */

import { early } from "@/api/early";
import { Problem, problemOf, unreachable } from "@/api/problem";

export const PREFIX = "/api/v1";

type Value = string | number | boolean | null | undefined;

/** A list is a parameter repeated. */
export type Params = Record<string, Value | readonly string[]>;

/** `path` with its query; empty values are left out, so that equal questions have equal addresses. */
export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (Array.isArray(value)) for (const each of value) query.append(name, String(each));
    else if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const tail = query.toString();
  return PREFIX + path + (tail ? `?${tail}` : "");
}

/** A segment of a path: ids of schedules hold slashes. */
export const seg = encodeURIComponent;

export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return send<T>("GET", address(path, params), undefined, signal);
}

/** Writes carry a key, so that a repetition after a lost answer has one effect. */
export async function post<T>(path: string, body: unknown = {}, key: string = crypto.randomUUID()): Promise<T> {
  return send<T>("POST", address(path), body, undefined, key);
}

export async function remove<T>(path: string): Promise<T> {
  return send<T>("DELETE", address(path));
}

async function send<T>(method: string, url: string, body?: unknown, signal?: AbortSignal, key?: string): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Toque"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  let response: Response;
  try {
    response = await ((method === "GET" && early(url)) ||
      fetch(url, {
        method,
        headers,
        credentials: "same-origin",
        signal: signal ?? null,
        body: body === undefined ? null : JSON.stringify(body),
      }));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Asking again helps when nothing answered or the server was busy, never when it said no. */
export function worthRetrying(failures: number, error: unknown): boolean {
  if (!(error instanceof Problem)) return false;
  return failures < 3 && (error.status === 0 || error.status === 503 || error.status === 429);
}
