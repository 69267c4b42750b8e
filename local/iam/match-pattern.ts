/** Whether an IAM pattern (`*` any characters, `?` one) covers the text. */
export function matchesPattern(pattern: string, text: string): boolean {
  // Greedy with one step back: linear for one star, never exponential as a regular expression could be.
  let star = -1;
  let retry = 0;
  let at = 0;
  let position = 0;
  while (position < text.length) {
    if (pattern[at] === "*") {
      star = at++;
      retry = position;
    } else if (pattern[at] === "?" || pattern[at] === text[position]) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
