import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

/** The page's files by their path in the address, `/index.html`. */
export type PublicFiles = ReadonlyMap<string, { type: string; body: Buffer }>;

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/**
 * Reads the built page once. Requests are then looked up here and never become a path.
 * @param folder dist/renderer.
 * @throws Error where the folder is missing: the app was not built.
 */
export function readPublicFiles(folder: string): PublicFiles {
  const files = new Map<string, { type: string; body: Buffer }>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length).replaceAll("\\", "/"), { type, body: readFileSync(path) });
  }
  return files;
}
