import { useEffect } from "preact/hooks";
import { useApp } from "../app.ts";
import { ButtonLink } from "../parts/button.tsx";
import { type Provider, signInUrl } from "../session/session.ts";

export function SignInPage({ providers }: { providers: readonly Provider[] }) {
  const route = useApp().router.route.value;
  useEffect(() => {
    document.title = "Sign in – Atelier";
  }, []);
  return (
    <section class="mx-auto max-w-[400px] pt-8 sm:pt-16">
      <h1 class="text-xl leading-7 font-semibold">From a Git URL to VS Code</h1>
      <p class="mt-2 text-dim">
        Sign in, paste the URL of a repository, and work on it in this browser, with the code cloned and a terminal at
        hand.
      </p>
      {route.page === "url" && (
        <p class="mt-4 rounded-lg border border-line bg-surface px-4 py-3">
          After that, this is opened:
          <span class="mt-1 block font-mono text-[13px] wrap-anywhere text-dim">{route.contextUrl}</span>
        </p>
      )}
      <div class="mt-6 flex flex-col gap-2">
        {providers.map((provider, index) => (
          <ButtonLink key={provider.id} kind={index === 0 ? "main" : "plain"} href={signInUrl(provider.id, location)}>
            Sign in with {provider.name}
          </ButtonLink>
        ))}
        {providers.length === 0 && (
          <p class="text-dim">No way to sign in is set up. Whoever runs this Atelier has to name an OpenID provider.</p>
        )}
      </div>
    </section>
  );
}
