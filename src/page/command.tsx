/** The same on the command line, to take along. */
export function Command({ children }: { children: string }) {
  return (
    <p class="cli">
      <code>{children}</code>
      <button type="button" onClick={() => navigator.clipboard.writeText(children)}>
        copy as CLI
      </button>
    </p>
  );
}
