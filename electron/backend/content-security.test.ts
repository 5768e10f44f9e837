import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { securityHeaders } from "./content-security.ts";

describe("the script that stands in the page itself", () => {
  it("is the one, and the only one, that may run", () => {
    const page = readFileSync("renderer/index.html", "utf8");
    const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, text = ""]) => text);
    const allowed = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    expect(allowed).toHaveLength(1);
    expect(securityHeaders["content-security-policy"]).toContain(`script-src 'self' ${allowed[0]};`);
  });
});
