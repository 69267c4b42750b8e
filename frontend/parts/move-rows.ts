/**
 * Lets rows glide to their new place when their order changed; at once for those who asked for less motion.
 * @param tops where each row stood, by its `data-row`; brought up to date
 */
export function moveRows(list: HTMLElement, tops: Map<string, number>): void {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const before = new Map(tops);
  const rows = [...list.querySelectorAll<HTMLElement>("[data-row]")];
  const order = rows.map((row) => row.dataset.row as string);
  const known = order.filter((id) => before.has(id));
  const moved = known.join() !== [...before.keys()].filter((id) => known.includes(id)).join();
  tops.clear();
  for (const row of rows) {
    const id = row.dataset.row as string;
    const from = before.get(id);
    tops.set(id, row.offsetTop);
    if (calm || !moved || from === undefined || from === row.offsetTop) continue;
    row.animate([{ transform: `translateY(${from - row.offsetTop}px)` }, { transform: "none" }], {
      duration: 180,
      easing: "ease-out",
    });
  }
}
