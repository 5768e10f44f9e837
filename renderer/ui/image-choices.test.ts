import { describe, expect, it } from "vitest";
import type { ReadyImage } from "../../privileged-helper/contract/model.ts";
import { choiceValue, findChoice, imageChoices, readyLabel } from "./image-choices.ts";
import type { ImageRow } from "./image-rows.ts";

const ready = (id: string, more: Partial<ReadyImage> = {}): ReadyImage => ({
  id,
  title: "Alpine 3.22",
  origin: "server",
  unprivileged: true,
  bytes: 1,
  createdAt: 0,
  containers: [],
  ...more,
});
const row = (id: string, name: string, more: Partial<ImageRow> = {}): ImageRow => ({
  image: { id, server: "https://a", path: "/", distribution: "x", release: "1", architecture: "amd64", variant: "default", build: "1" },
  name,
  ...more,
});

describe("the list of images", () => {
  it("has what is ready first, then what is downloaded, then what servers have, and no empty part", () => {
    const offered = row("b", "Debian 13");
    const here = row("c", "Fedora 43");
    here.download = { image: here.image, state: "downloaded", bytes: 5 };
    expect(imageChoices([ready("a")], [offered, here]).map(({ group, items }) => [group, items.map(({ label }) => label)])).toEqual([
      ["Ready on this computer", ["Alpine 3.22"]],
      ["Downloaded", ["Fedora 43"]],
      ["On servers", ["Debian 13"]],
    ]);
    expect(imageChoices([], [offered]).map(({ group }) => group)).toEqual(["On servers"]);
  });
  it("tells images of one title apart", () => {
    const images = [ready("aaaaaaaa"), ready("bbbbbbbb"), ready("cccccccc", { unprivileged: false })];
    expect(images.map((image) => readyLabel(image, images))).toEqual([
      "Alpine 3.22, aaaaaa",
      "Alpine 3.22, bbbbbb",
      "Alpine 3.22 (privileged)",
    ]);
  });
  it("finds by its value what was chosen, and nothing where it is gone", () => {
    const image = ready("a");
    const rows = [row("b", "Debian 13")];
    for (const choice of [{ from: "ready", image } as const, { from: "server", row: rows[0] as ImageRow } as const]) {
      expect(findChoice(choiceValue(choice), [image], rows)).toEqual(choice);
    }
    expect(findChoice("ready:b", [image], rows)).toBeUndefined();
    expect(findChoice("server:a", [image], rows)).toBeUndefined();
    expect(findChoice("", [image], rows)).toBeUndefined();
  });
});
