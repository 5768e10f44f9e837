import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditFacts, statusText } from "../../testing/audit-facts.ts";
import { checkSuidFiles, withUsr } from "./suid-files.ts";

let folder: string;
let rootfs: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-suid-"));
  rootfs = join(folder, "rootfs");
  mkdirSync(rootfs);
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, mode: number, text = "", root = rootfs) {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}
const check = (layers = [rootfs]) => checkSuidFiles(auditFacts({ layers }));

describe("programs with more rights", () => {
  it("are fine where distributions ship them, under either name of a folder", async () => {
    put("usr/bin/su", 0o4755);
    put("bin/mount", 0o4755);
    put("usr/bin/chage", 0o2755);
    expect(await check()).toMatchObject({ state: "ok", summary: "3 programs, all as distributions ship them." });
    expect(withUsr("lib64/x")).toBe("usr/lib64/x");
    expect(withUsr("usr/lib/x")).toBe("usr/lib/x");
  });

  it("are strays where none does, or a known one has more than it should", async () => {
    put("usr/bin/mount", 0o6755);
    expect(await check()).toMatchObject({ state: "problem", summary: expect.stringContaining("/usr/bin/mount") });
    put("usr/bin/mount", 0o4755);
    put("srv/x", 0o4755);
    expect(await check()).toMatchObject({ state: "problem", summary: expect.stringContaining("/srv/x") });
  });

  it("are a warning where a package has them, and a problem where that is a shell", async () => {
    put("usr/bin/tool", 0o4755);
    put("var/lib/dpkg/info/tool.list", 0o644, "/.\n/usr/bin/tool\n/usr/bin/bash\n");
    expect(await check()).toMatchObject({ state: "warning", evidence: ["/usr/bin/tool: SUID, of package tool"] });
    put("usr/bin/bash", 0o4755);
    expect(await check()).toMatchObject({ state: "problem" });
  });

  it("do no harm where the kernel heeds none of them", async () => {
    put("srv/x", 0o4755);
    const running = { status: statusText({ NoNewPrivs: "1" }) };
    expect(await checkSuidFiles(auditFacts({ layers: [rootfs], running }))).toMatchObject({ state: "ok" });
  });

  it("are those of the uppermost layer alone, and never behind a link", async () => {
    const upper = join(folder, "upper");
    put("srv/x", 0o4755);
    put("srv/x", 0o755, "", upper);
    symlinkSync("/usr/bin", join(upper, "srv/outside"));
    expect(await check([upper, rootfs])).toMatchObject({ state: "ok", summary: "None." });
  });

  it("are found whatever they are called and however deep they are", async () => {
    put("srv/a\nb/x", 0o4755);
    put(`srv/${"d/".repeat(300)}y`, 0o2755);
    const { state, markedFiles } = await check();
    expect(state).toBe("problem");
    expect(markedFiles?.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["/srv/a?b/x", expect.stringMatching(/^\/srv\/d\/d\//)]),
    );
  });

  it("are searched for to the end where a tree is deeper than any path", async () => {
    put("srv/x", 0o4755);
    execFileSync("perl", ["-e", "for (1..3000) { mkdir 'd'; chdir 'd' or die }"], { cwd: rootfs });
    expect(await check()).toMatchObject({ state: "problem", summary: expect.stringContaining("/srv/x") });
    execFileSync("/bin/rm", ["-rf", join(rootfs, "d")]);
  });

  it.skipIf(process.getuid?.() !== 0)("with capabilities are found where a name has an end of a line, and outside is none", async () => {
    const file = `srv/a\n${folder}/outside`;
    put(file, 0o755);
    writeFileSync(join(folder, "outside"), "");
    execFileSync("/usr/sbin/setcap", ["cap_setuid=ep", join(rootfs, file)]);
    const { markedFiles } = await check();
    expect(markedFiles?.files.map(({ path, rights }) => [path, rights])).toEqual([[`/srv/a?${folder}/outside`, "cap_setuid=ep"]]);
  });

  it("are not known where there is nothing to search", async () => {
    expect((await check([])).state).toBe("unknown");
    expect((await check([join(folder, "gone")])).state).toBe("unknown");
  });
});
