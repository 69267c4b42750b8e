/** The one page of the provider: a field for a name. */
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** @param problem a sentence about what was entered before; empty at first */
export function signInPage(suggestion: string, problem = ""): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in</title>
<style>
:root { color-scheme: light dark; --page: #fafaf9; --text: #1c1917; --soft: #57534e; --line: #d6d3d1; --field: #fff; --accent: #b45309; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --page: #1c1917; --text: #f5f5f4; --soft: #a8a29e; --line: #44403c; --field: #292524; --accent: #fbbf24; --on: #1c1917; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px; background: var(--page); color: var(--text); font: 14px/20px system-ui, sans-serif; }
main { width: 100%; max-width: 360px; }
h1 { margin: 0 0 8px; font-size: 20px; line-height: 28px; font-weight: 600; }
p { margin: 0 0 24px; color: var(--soft); }
label { display: block; margin-bottom: 8px; font-weight: 500; }
input, button { width: 100%; height: 40px; border-radius: 6px; font: inherit; }
input { padding: 0 12px; border: 1px solid var(--line); background: var(--field); color: inherit; }
button { margin-top: 16px; border: 0; background: var(--accent); color: var(--on); font-weight: 600; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[role=alert] { margin: 8px 0 0; color: inherit; }
</style>
<main>
<h1>Who are you here?</h1>
<p>This sign-in belongs to your own machine. Any name will do; another name is another person.</p>
<form method="post">
<label for="name">Name</label>
<input id="name" name="name" value="${escapeHtml(suggestion)}" required maxlength="64" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus>
${problem === "" ? "" : `<p role="alert">${escapeHtml(problem)}</p>`}
<button>Sign in</button>
</form>
</main>
</html>
`;
}
