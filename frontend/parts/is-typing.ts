/** Whether a key belongs to a field, a dialog or the browser, and not to the page's shortcuts. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  const target = event.target instanceof Element ? event.target : undefined;
  if (document.querySelector("dialog[open]")) return true;
  if (target?.closest("textarea, select, [contenteditable]")) return true;
  return target instanceof HTMLInputElement && target.type !== "radio";
}
