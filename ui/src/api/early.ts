/** Answers to what `public/early.js` asked before the code of the page was there. */

declare global {
  interface Window {
    toqueEarly?: Map<string, Promise<Response>>;
  }
}

/** The answer that is on its way, once. */
export function early(url: string): Promise<Response> | undefined {
  const answer = window.toqueEarly?.get(url);
  window.toqueEarly?.delete(url);
  return answer;
}

/** The page has asked all that it asks first: what is left would be old when somebody asks for it. */
export function forgetEarly(): void {
  window.toqueEarly?.clear();
}
