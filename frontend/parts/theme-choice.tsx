import { useState } from "preact/hooks";

const KEY = "atelier-theme";
const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

function currentTheme(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "auto";
}

function setTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is refused: the choice lasts as long as the page.
  }
}

export function ThemeChoice() {
  const [theme, choose] = useState(currentTheme);
  return (
    <fieldset class="inline-flex rounded-md border border-line p-0.5">
      <legend class="sr-only">Theme</legend>
      {THEMES.map((name) => (
        <label
          key={name}
          class="cursor-pointer rounded-[4px] px-2.5 py-1 text-[13px] leading-4 text-dim capitalize hover:text-ink has-checked:bg-hover has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name="theme"
            class="sr-only"
            value={name}
            checked={theme === name}
            onChange={() => {
              setTheme(name);
              choose(name);
            }}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
