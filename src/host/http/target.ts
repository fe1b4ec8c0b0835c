/** What a request line asks for: the path as sent, and the parameters after `?`. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Reads the target of a request line (RFC 9112, origin-form: a path, perhaps with a query). Undefined for every other
 * form. The path stays as it was sent: it is only ever compared with the paths that there are.
 */
export function parseTarget(target: string | undefined): Target | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  const at = target.indexOf('?');
  return at < 0
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

/**
 * A browser that was brought here by a name of somebody else (DNS rebinding) sends that name. Bitcoin Core leaves this
 * to the bind address.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(host);
}
