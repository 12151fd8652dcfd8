// Generated from docs/openapi.json and docs/asyncapi.json by `npm run generate`. Do not edit.

/** Why the server closes a socket, and whether to reconnect as it is. */
export const CLOSE_CODES: Readonly<Record<number, { readonly name: string; readonly retry: boolean }>> = {
  1002: { name: "protocol_error", retry: false },
  1003: { name: "unsupported", retry: false },
  1007: { name: "invalid_data", retry: false },
  1009: { name: "too_large", retry: true },
  1012: { name: "restart", retry: true },
  4400: { name: "malformed", retry: false },
  4401: { name: "unauthenticated", retry: false },
  4403: { name: "forbidden", retry: false },
  4408: { name: "timeout", retry: true },
  4429: { name: "too_many", retry: true },
  4508: { name: "too_slow", retry: true },
};
