/** Vite puts the stylesheet into the page; there is nothing to import from it. */
declare module "*.css";
