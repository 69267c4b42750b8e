/**
 * A short fingerprint of a list of workspaces, equal on both sides when ids and revisions are equal, in any order.
 * It finds lost pushes; it is no security feature.
 */
export function digestOf(workspaces: Iterable<{ id: string; revision: number }>): string {
  let sum = 0;
  let count = 0;
  for (const { id, revision } of workspaces) {
    sum = (sum + fnv1a(`${id}:${revision}`)) >>> 0;
    count += 1;
  }
  return `${count}-${sum.toString(16)}`;
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 code units: ids are ASCII. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
