/** The one script that stands in the page itself (renderer/index.html), by what it says: no other is run. */
const ownScript = "sha256-n7/8p0Mz6H/Ick97+5FX0tssZ1qemQnhdQKZqXUIfDs=";

/** What the page may do, as headers for both hosts: its own scripts and styles, its own connection, nothing else. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'self' '${ownScript}'`,
  // Mantine and xterm.js write style elements; styles cannot run code.
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "object-src 'none'",
  "frame-src 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=(), clipboard-read=(self), clipboard-write=(self)",
  "cache-control": "no-store",
};
