/** Finds by a few letters: those at the starts of words count most, gaps cost, letters that are missing exclude. */

export function rank<T>(entries: readonly T[], query: string, textOf: (entry: T) => string): T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...entries];
  return entries
    .map((entry, at) => ({ entry, at, score: scoreAll(textOf(entry).toLowerCase(), words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .map(({ entry }) => entry);
}

function scoreAll(text: string, words: readonly string[]): number {
  let total = 0;
  for (const word of words) {
    const points = score(text, word);
    if (points === 0) return 0;
    total += points;
  }
  return total - text.length / 1000;
}

/** Whole substrings before scattered letters; 0 when the letters do not occur in this order. */
export function score(text: string, word: string): number {
  const found = text.indexOf(word);
  if (found >= 0) return startsWord(text, found) ? 100 : 60;
  let at = -1;
  let points = 30;
  for (const letter of word) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return 0;
    points -= startsWord(text, next) || next === at + 1 ? 0 : 3;
    at = next;
  }
  return Math.max(1, points);
}

function startsWord(text: string, at: number): boolean {
  return at === 0 || /[^a-z0-9]/.test(text[at - 1] ?? " ");
}
