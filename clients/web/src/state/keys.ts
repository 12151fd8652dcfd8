/** The key that goes with letters for commands, as the system has it. */
export const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
export const switchKeys = isMac ? "⌘K" : "Ctrl+K";
