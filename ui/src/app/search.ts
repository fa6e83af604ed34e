/** Addresses stay readable: `?state=failed&pipeline=flights`, each value a string, empty ones left out. */

export type Search = Record<string, string | undefined>;

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== "" && value !== false) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** A page's own names, as strings; others are dropped. */
export function only<const Names extends readonly string[]>(...names: Names) {
  return (search: Record<string, unknown>): Partial<Record<Names[number], string>> =>
    Object.fromEntries(names.flatMap((name) => (typeof search[name] === "string" && search[name] ? [[name, search[name]]] : []))) as Partial<
      Record<Names[number], string>
    >;
}
