import type { AnchorHTMLAttributes, ButtonHTMLAttributes, ComponentChildren, Ref } from "preact";

/** `main`: the one main action of a page; `plain`; `quiet`: no border until pointed at; `danger`: cannot be undone. */
export type ButtonKind = "main" | "plain" | "quiet" | "danger";

const SHAPE =
  "inline-flex shrink-0 items-center justify-center gap-2 rounded-lg border font-medium whitespace-nowrap select-none transition-colors disabled:opacity-55 aria-disabled:opacity-55";
const SIZES = { normal: "h-9 px-4", small: "h-8 px-3 text-[13px]", large: "h-12 px-6 text-base" };
const KINDS: Record<ButtonKind, string> = {
  main: "border-transparent bg-accent text-on-accent hover:bg-accent-hover",
  plain: "border-edge/60 bg-surface text-ink hover:bg-hover",
  quiet: "border-transparent text-dim hover:bg-hover hover:text-ink",
  danger: "border-transparent bg-failed text-surface hover:opacity-90",
};

interface Look {
  kind?: ButtonKind;
  size?: keyof typeof SIZES;
  children: ComponentChildren;
}

type ButtonProps = Look &
  Pick<ButtonHTMLAttributes, "onClick" | "type" | "disabled" | "aria-label" | "autofocus"> & {
    /** The thing is being done: says so, and takes no second press. */
    busy?: boolean;
    buttonRef?: Ref<HTMLButtonElement>;
  };

export function Button({
  kind = "plain",
  size = "normal",
  type = "button",
  busy,
  children,
  buttonRef,
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      {...(buttonRef ? { ref: buttonRef } : {})}
      disabled={busy || rest.disabled}
      class={`${SHAPE} ${SIZES[size]} ${KINDS[kind]}`}
    >
      {busy && <Spinner />}
      {children}
    </button>
  );
}

type LinkProps = Look &
  Pick<AnchorHTMLAttributes, "onClick" | "href" | "aria-label" | "target" | "rel"> & { busy?: boolean };

/** A link that looks like a button: it leads somewhere, so that a middle click opens it in a tab. */
export function ButtonLink({ kind = "plain", size = "normal", busy, children, ...rest }: LinkProps) {
  return (
    <a {...rest} aria-busy={busy} class={`${SHAPE} ${SIZES[size]} ${KINDS[kind]}`}>
      {busy && <Spinner />}
      {children}
    </a>
  );
}

export function Spinner() {
  return (
    <svg class="turn size-4 shrink-0" viewBox="0 0 16 16" fill="none" aria-hidden="true">
      <circle cx="8" cy="8" r="6" stroke="currentColor" stroke-width="2" opacity="0.25" />
      <path d="M14 8a6 6 0 0 0-6-6" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
    </svg>
  );
}
