import type { ReadyImage } from "../../privileged-helper/contract/model.ts";
import { formatBytes } from "./format.ts";
import type { ImageRow } from "./image-rows.ts";

/** An image in the dialog: one that is ready here, or one of a server's catalog, downloaded or not. */
export type ImageChoice = { from: "ready"; image: ReadyImage } | { from: "server"; row: ImageRow };

type Group = { group: string; items: { value: string; label: string }[] };

/** More than this nobody scrolls through; typing finds the rest. */
export const shownChoices = 100;

export function choiceValue(choice: ImageChoice): string {
  return choice.from === "ready" ? `ready:${choice.image.id}` : `server:${choice.row.image.id}`;
}

/** What a value of the list stands for; undefined where it is gone. */
export function findChoice(value: string, ready: readonly ReadyImage[], rows: readonly ImageRow[]): ImageChoice | undefined {
  const [from, id] = value.split(":");
  if (from === "ready") {
    const image = ready.find((one) => one.id === id);
    return image && { from, image };
  }
  const row = rows.find(({ image }) => image.id === id);
  return row && { from: "server", row };
}

/** Those that are there at once come first, then those whose download is done, then what servers have. */
export function imageChoices(ready: readonly ReadyImage[], rows: readonly ImageRow[]): Group[] {
  const isHere = ({ download }: ImageRow) => download?.state === "downloaded";
  const groups: Group[] = [
    { group: "Ready on this computer", items: ready.map((image) => ({ value: `ready:${image.id}`, label: readyLabel(image, ready) })) },
    { group: "Downloaded", items: rows.filter(isHere).map(serverItem) },
    { group: "On servers", items: rows.filter((row) => !isHere(row)).map(serverItem) },
  ];
  return groups.filter(({ items }) => items.length > 0);
}

/** The title, and what tells it from others of the same title. */
export function readyLabel(image: ReadyImage, all: readonly ReadyImage[]): string {
  const same = all.filter(({ title }) => title === image.title);
  const kind = image.unprivileged ? "" : " (privileged)";
  if (same.length === 1) return `${image.title}${kind}`;
  const ofKind = same.filter(({ unprivileged }) => unprivileged === image.unprivileged);
  return ofKind.length === 1 ? `${image.title}${kind}` : `${image.title}${kind}, ${image.id.slice(0, 6)}`;
}

function serverItem({ image, name }: ImageRow) {
  return { value: `server:${image.id}`, label: image.bytes === undefined ? name : `${name}, ${formatBytes(image.bytes)}` };
}
