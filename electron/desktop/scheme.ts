import { app, protocol } from "electron";
import { securityHeaders } from "../backend/content-security.ts";
import type { PublicFiles } from "../backend/public-files.ts";

const scheme = "app";
const host = "bundle";
export const pageOrigin = `${scheme}://${host}`;
export const pageAddress = `${pageOrigin}/index.html`;

/** Makes app:// a secure origin of its own. Has to run before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
  app.enableSandbox();
}

/** Serves the renderer's files, which were read at start: no request is ever turned into a path. */
export function serveBundle(files: PublicFiles): void {
  protocol.handle(scheme, (request) => {
    const address = new URL(request.url);
    if (request.method !== "GET" || address.protocol !== `${scheme}:` || address.host !== host)
      return new Response("bad request", { status: 400 });
    const file = files.get(address.pathname === "/" ? "/index.html" : address.pathname);
    if (!file) return new Response("not found", { status: 404, headers: securityHeaders });
    return new Response(new Uint8Array(file.body), { headers: { ...securityHeaders, "content-type": file.type } });
  });
}
