import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatOciReference, ociTitle, parseOciReference } from "./oci-reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

function written(text: string): string {
  const parsed = parseOciReference(text);
  return typeof parsed === "string" ? parsed : formatOciReference(parsed);
}

function titleOf(text: string): string {
  const parsed = parseOciReference(text);
  return typeof parsed === "string" ? parsed : ociTitle(parsed);
}

describe("a reference", () => {
  it.each([
    ["alpine", "docker://docker.io/library/alpine:latest"],
    [" alpine:3.22 ", "docker://docker.io/library/alpine:3.22"],
    ["docker://alpine:3.22", "docker://docker.io/library/alpine:3.22"],
    ["grafana/grafana", "docker://docker.io/grafana/grafana:latest"],
    ["index.docker.io/library/alpine", "docker://docker.io/library/alpine:latest"],
    ["ghcr.io/x/y:tag", "docker://ghcr.io/x/y:tag"],
    ["GHCR.io/x/y", "docker://ghcr.io/x/y:latest"],
    ["localhost/x", "docker://localhost/x:latest"],
    ["localhost:5000/x/y_z--1:a.B-c", "docker://localhost:5000/x/y_z--1:a.B-c"],
    ["[::1]:5000/x", "docker://[::1]:5000/x:latest"],
    [`alpine@${digest}`, `docker://docker.io/library/alpine@${digest}`],
    [`alpine:3@${digest}`, `docker://docker.io/library/alpine@${digest}`],
    ["docker-archive:/home/me/my image.tar", "docker-archive:/home/me/my image.tar"],
    ["oci-archive:/x.tar", "oci-archive:/x.tar"],
    ["oci:/home/me/layout:1", "oci:/home/me/layout:1"],
    ["oci:/home/me/layout", "oci:/home/me/layout"],
    ["docker-archive:/x.tar:@1", "docker-archive:/x.tar:@1"],
    ["docker-archive:/x.tar:alpine:3.22", "docker-archive:/x.tar:alpine:3.22"],
  ])("%s is %s", (text, expected) => expect(written(text)).toBe(expected));

  it.each([
    ["", /Type the name/],
    ["Alpine", /capital/],
    ["alpine:", /not a tag/],
    ["alpine:a b", /not a tag/],
    ["--help", /not the name/],
    ["-x/y", /not the name/],
    ["docker://--authfile=/x", /not the name/],
    ["a/../b", /not the name/],
    ["a//b", /not the name/],
    ["a.b:99999/x", /not the name of a server/],
    ["alpine@sha256:12", /hexadecimal/],
    ["alpine@md5:12", /hexadecimal/],
    ["dir:/etc", /Only docker/],
    ["docker-daemon:x", /Only docker/],
    ["https://hub.docker.com/_/alpine", /Only docker/],
    ["oci-archive:x.tar", /whole path of the file/],
    ["oci:layout", /whole path of the folder/],
    ["oci:/layout:", /which image/],
    ["docker-archive:/x.tar:", /which image/],
    ["docker-archive:/x\n.tar", /control/],
    ["a".repeat(1001), /at most/],
  ])("%j is none", (text, reason) => expect(written(text)).toMatch(reason));

  it("is called as people write it", () => {
    expect(titleOf("alpine")).toBe("alpine:latest");
    expect(titleOf("docker.io/grafana/grafana:11")).toBe("grafana/grafana:11");
    expect(titleOf("ghcr.io/x/y")).toBe("ghcr.io/x/y:latest");
    expect(titleOf(`alpine@${digest}`)).toBe("alpine@sha256:0123456789ab");
    expect(titleOf("oci-archive:/home/me/app.tar")).toBe("app.tar");
    expect(titleOf("oci-archive:/home/me/app.tar:two")).toBe("app.tar two");
    expect(titleOf("oci:/home/me/layout/:two")).toBe("layout two");
    expect(titleOf("oci:/")).toBe("/");
    expect(titleOf("docker-archive:/home/me/app.tar:@1")).toBe("app.tar @1");
    expect(titleOf("docker-archive:/home/me/app.tar:docker.io/library/alpine:3")).toBe("alpine:3");
  });

  it("keeps the capital letters of a server that nothing else tells from a part of a name", () => {
    expect(written("docker://Registry/app")).toBe("docker://Registry/app:latest");
    expect(written("docker://LocalHost/app")).toBe("docker://localhost/app:latest");
    expect(written("docker://Registry.Example/app")).toBe("docker://registry.example/app:latest");
  });

  it("is the same when it is read again, and is nothing that a program takes for an option", () => {
    const characters = fc.constantFrom(..."aB0.-_:/@[] \n\t=,sha256docker://".split(""));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: characters }),
          fc.string({ unit: characters }).map((x) => `docker://a${x}`),
        ),
        (text) => {
          const parsed = parseOciReference(text);
          if (typeof parsed === "string") return;
          const once = formatOciReference(parsed);
          expect(once).toMatch(/^(docker:\/\/|docker-archive:\/|oci-archive:\/|oci:\/)/);
          expect(once).not.toMatch(/\p{Cc}/u);
          expect(written(once)).toBe(once);
        },
      ),
    );
  });
});
