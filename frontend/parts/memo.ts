import { Component, type ComponentChild } from "preact";

/** A component that is rendered again only when one of its properties is another value. */
export function memo<P extends object>(render: (props: P) => ComponentChild) {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return Object.keys(next).some((key) => next[key as keyof P] !== this.props[key as keyof P]);
    }
    override render(): ComponentChild {
      return render(this.props as P);
    }
  };
}
