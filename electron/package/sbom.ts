import { readFileSync } from "node:fs";
import { join } from "node:path";

type Locked = { version: string; license?: string; integrity?: string };

/**
 * What of others is in a package, as CycloneDX 1.5 has it (https://cyclonedx.org/docs/1.5/json/): what the bundlers took in, and not what is
 * merely installed. Without a time or a number of its own, so that the same build gives the same bytes.
 * @param checkout where package-lock.json is
 * @throws Error where something was bundled that the lockfile does not know.
 */
export function formatSbom(
  checkout: string,
  { name, version, packages }: { name: string; version: string; packages: readonly string[] },
): string {
  const locked: Record<string, Locked> = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")).packages;
  const components = [...new Set(packages)].sort().map((one) => {
    const entry = locked[`node_modules/${one}`];
    if (!entry) throw new Error(`${one} was bundled and is not in package-lock.json`);
    return componentOf(one, entry);
  });
  const sbom = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { type: "application", "bom-ref": name, name, version, licenses: [{ expression: "Apache-2.0" }] } },
    components,
    dependencies: [{ ref: name, dependsOn: components.map((one) => one["bom-ref"]) }],
  };
  return `${JSON.stringify(sbom, undefined, 2)}\n`;
}

function componentOf(fullName: string, { version, license, integrity }: Locked) {
  const [scope, name] = fullName.startsWith("@") ? fullName.split("/") : [undefined, fullName];
  return {
    type: "library",
    "bom-ref": `${fullName}@${version}`,
    ...(scope !== undefined && { group: scope }),
    name,
    version,
    // https://github.com/package-url/purl-spec: of a scope only the @ is encoded.
    purl: `pkg:npm/${fullName.replace("@", "%40")}@${version}`,
    ...(license !== undefined && { licenses: [{ expression: license }] }),
    ...(integrity !== undefined && { hashes: [hashOf(integrity)] }),
  };
}

/** Subresource integrity (https://www.w3.org/TR/SRI/) has the digest as base64, CycloneDX as hexadecimal digits. */
function hashOf(integrity: string) {
  return { alg: "SHA-512", content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex") };
}
