import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toProblem } from "../contract/problems.ts";
import { createImageStore, newImageId, type StoredImage } from "./image-store.ts";
import { createContainerReader } from "./list.ts";

let folder: string;
let lxcPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-store-"));
  lxcPath = join(folder, "lxc");
  mkdirSync(lxcPath);
});
afterEach(() => rmSync(folder, { recursive: true }));

function image(others: Partial<StoredImage> = {}): StoredImage {
  return {
    id: newImageId(),
    title: "Alpine",
    origin: "server",
    unprivileged: true,
    bytes: 5,
    createdAt: 1,
    ids: { first: 2_000_000, count: 65_536 },
    templates: [],
    settings: [],
    ...others,
  };
}
const store = () => createImageStore({ lxcPath });
function add(one: StoredImage) {
  store().begin(one.id);
  store().finish(one);
  return one;
}

/** The folder has to be root's. */
describe.skipIf(process.getuid?.() !== 0)("the store of images", () => {
  it("has what was finished, the newest first, and lets everybody through to the files but nobody look around", () => {
    expect(store().readAll()).toEqual([]);
    const old = add(image());
    const young = add(
      image({ createdAt: 2, sha256: "a", image: "b", distribution: "alpine", templates: ["x"], settings: [["lxc.a", "b"]] }),
    );
    expect(store().readAll()).toEqual([young, old]);
    expect(store().read(old.id)).toEqual(old);
    const modes = [store().folder, join(store().folder, ".."), join(store().folder, old.id)].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o711, 0o711, 0o711]);
    expect(statSync(join(store().folder, old.id, "image.json")).mode & 0o777).toBe(0o600);
  });

  it("lets nobody but root to the files of one for privileged containers, or of one that is not whole", () => {
    const { ids: _, ...privileged } = image({ unprivileged: false });
    const { folder: partial } = store().begin(privileged.id);
    expect(statSync(partial).mode & 0o777).toBe(0o700);
    store().finish(privileged);
    expect(statSync(join(store().folder, privileged.id)).mode & 0o777).toBe(0o700);
  });

  it("has nothing that is not whole", () => {
    const { id } = image();
    const { folder: partial, rootfs } = store().begin(id);
    expect(readdirSync(partial)).toEqual(["rootfs"]);
    expect(rootfs).toBe(join(partial, "rootfs"));
    const broken = add(image());
    writeFileSync(join(store().folder, broken.id, "image.json"), "{");
    mkdirSync(join(store().folder, newImageId()));
    mkdirSync(join(store().folder, "something"));
    expect(store().readAll()).toEqual([]);
    for (const wanted of [id, broken.id, "../lxc", "something", ""]) {
      try {
        store().read(wanted);
        expect.unreachable();
      } catch (thrown) {
        expect(toProblem(thrown)).toEqual({ code: "not-found", what: `image ${wanted}` });
      }
    }
  });

  it("has it no more from the moment that it is deleted", () => {
    const { id } = add(image());
    const left = store().retire(id);
    expect(store().readAll()).toEqual([]);
    expect(readdirSync(left)).toEqual(["rootfs"]);
  });

  it("is not kept where somebody else could change it", () => {
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), `${lxcPath}-desktop`);
    expect(() => store().begin(newImageId())).toThrow("is not root's alone");
    rmSync(`${lxcPath}-desktop`);
    mkdirSync(`${lxcPath}-desktop`);
    chmodSync(`${lxcPath}-desktop`, 0o777);
    expect(() => store().begin(newImageId())).toThrow("is not root's alone");
  });

  it("tells which containers lie on an image, and which ids are taken by it", () => {
    const { id, ids } = add(image());
    for (const [name, lower] of [
      ["on-it", store().rootfsOf(id)],
      ["beside", join(store().folder, id, "rootfs/deeper")],
      ["other", join(lxcPath, "base/rootfs")],
    ] as const) {
      const layer = join(lxcPath, name, "overlay/delta");
      mkdirSync(layer, { recursive: true });
      mkdirSync(lower, { recursive: true });
      writeFileSync(join(lxcPath, name, "config"), `lxc.rootfs.path = overlay:${lower}:${layer}\n`);
    }
    const reader = createContainerReader({ lxcPath });
    expect(reader.readOne("on-it")).toMatchObject({ storage: "overlay", image: { id, title: "Alpine" } });
    expect(reader.readOne("on-it")).not.toHaveProperty("clonedFrom");
    expect(reader.readOne("other")).toMatchObject({ clonedFrom: "base" });
    expect([reader.readOne("beside")?.image, reader.readOne("other")?.image]).toEqual([undefined, undefined]);
    expect(reader.readClaims()).toMatchObject({ ofImages: new Map([[id, ["on-it"]]]), idRanges: [ids] });
  });
});
