/**
 * A short fingerprint of a list of workspaces, equal on both sides when ids and revisions are equal, in any order.
 * It finds lost pushes; it is no security feature.
 */
export function digestOf(workspaces: Iterable<{ id: string; revision: number }>): string {
  let sum = 0;
  let count = 0;
  for (const { id, revision } of workspaces) {
    sum = (sum + hashOf(`${id}:${revision}`)) >>> 0;
    count += 1;
  }
  return `${count}-${sum.toString(16)}`;
}

/**
 * FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 code units: ids are ASCII. Its last step alone leaves
 * two texts that differ in their last digit so close that the changes of two workspaces can cancel each other out in a sum, so
 * MurmurHash3's finish is put on it.
 */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
