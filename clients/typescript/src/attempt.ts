// What the application does when it is told something is its own affair.

/** Does it. What it throws is reported as what nobody catches, and stops nobody else. */
export function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    // Node has no `reportError`, and there an error that nobody catches would end the process.
    (globalThis.reportError ?? console.error)(error);
  }
}
