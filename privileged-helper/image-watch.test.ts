import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createImageWatch } from "./image-watch.ts";
import { createImageStore, newImageId } from "./lxc/image-store.ts";

let folder: string;
let lxcPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lxc-desktop-image-watch-"));
  lxcPath = join(folder, "lxc");
  mkdirSync(lxcPath);
});
afterEach(() => rmSync(folder, { recursive: true }));

function world() {
  const images = createImageStore({ lxcPath });
  const ofImages = new Map<string, string[]>();
  const watch = createImageWatch({ images, reader: { readClaims: () => ({ ipv4: new Set(), idRanges: [], ofImages }) } });
  const add = () => {
    const id = newImageId();
    images.begin(id);
    images.finish({ id, title: "A", origin: "archive", unprivileged: false, bytes: 1, createdAt: 1, templates: [], settings: [] });
    return id;
  };
  return { images, ofImages, watch, add };
}

/** The folder has to be root's. */
describe.skipIf(process.getuid?.() !== 0)("the list of images", () => {
  it("is told to have changed when somebody makes or deletes one, and when a container of one comes or goes", async () => {
    const { images, ofImages, watch, add } = world();
    const onChanged = vi.fn();
    expect(watch.list(onChanged)).toEqual([]);
    // As another helper does it.
    const id = add();
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalledTimes(1));
    expect(watch.list(onChanged)).toEqual([
      { id, title: "A", origin: "archive", unprivileged: false, bytes: 1, createdAt: 1, containers: [] },
    ]);
    ofImages.set(id, ["web"]);
    watch.look();
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalledTimes(2));
    expect(watch.list(onChanged)[0]?.containers).toEqual(["web"]);
    images.retire(id);
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalledTimes(3));
    watch.stop();
  });

  it("is not told to have changed while an image is half made, or when nobody asks any more", async () => {
    const { images, watch, add } = world();
    const onChanged = vi.fn();
    watch.list(onChanged);
    images.begin(newImageId());
    watch.look();
    await new Promise((resolve) => setTimeout(resolve, 100));
    watch.stop();
    add();
    watch.look();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(onChanged).not.toHaveBeenCalled();
  });
});
