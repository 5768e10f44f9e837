import { distributionTitle, imageTitle } from "../../privileged-helper/contract/image-servers.ts";
import type { Catalog, Download, OfferedImage } from "../../privileged-helper/contract/model.ts";
import { filterWords } from "./filter-words.ts";

export type ImageRow = {
  image: OfferedImage;
  /** What its buttons call it: no two rows have the same. */
  name: string;
  download?: Download;
};

const collator = new Intl.Collator("en", { numeric: true });

/** What servers offer and what is here, each once, in the order of the table: by distribution, and the newest release first. */
export function imageRows(catalog: Catalog | undefined, downloads: readonly Download[]): ImageRow[] {
  const ownArchitecture = catalog?.architecture ?? "";
  const byId = new Map(downloads.map((download) => [download.image.id, download]));
  const offered = catalog?.images ?? [];
  const ids = new Set(offered.map(({ id }) => id));
  const images = [...offered, ...downloads.map(({ image }) => image).filter(({ id }) => !ids.has(id))];
  const sorted = images.sort(
    (a, b) =>
      collator.compare(distributionTitle(a.distribution), distributionTitle(b.distribution)) ||
      collator.compare(b.release, a.release) ||
      Number(b.variant === "default") - Number(a.variant === "default") ||
      collator.compare(a.variant, b.variant) ||
      Number(b.architecture === ownArchitecture) - Number(a.architecture === ownArchitecture) ||
      collator.compare(a.architecture, b.architecture) ||
      collator.compare(a.server, b.server) ||
      collator.compare(b.build, a.build),
  );
  const names = uniqueNames(sorted, ownArchitecture);
  return sorted.map((image) => ({ image, name: names.get(image.id) ?? image.id, download: byId.get(image.id) }));
}

/** The title; where several have the same, with the server; and where that is not enough, with the build. */
function uniqueNames(images: readonly OfferedImage[], ownArchitecture: string): Map<string, string> {
  const title = (image: OfferedImage) => imageTitle(image, ownArchitecture);
  const withServer = (image: OfferedImage) => `${title(image)} from ${serverName(image.server)}`;
  const titles = countOf(images.map(title));
  const full = countOf(images.map(withServer));
  return new Map(
    images.map((image) => {
      if (titles.get(title(image)) === 1) return [image.id, title(image)];
      return [image.id, full.get(withServer(image)) === 1 ? withServer(image) : `${withServer(image)}, build ${image.build}`];
    }),
  );
}

function countOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** Those in which all of the filter's words are found. */
export function filterImages(rows: readonly ImageRow[], filter: string): readonly ImageRow[] {
  const words = filterWords(filter);
  if (words.length === 0) return rows;
  return rows.filter(({ image, name, download }) => {
    const { distribution, release, architecture, variant, server, build } = image;
    const text = [name, distribution, release, architecture, variant, serverName(server), build, download?.state ?? "available"].join(" ");
    return words.every((word) => text.toLowerCase().includes(word));
  });
}

/** A server's address without what all of them have. */
export function serverName(server: string): string {
  return server.replace(/^https?:\/\//, "");
}

/** "Alpine" -> "Al", "Rocky Linux" -> "RL", "openSUSE" -> "op". */
export function initials(distribution: string): string {
  const [first = "", second] = distributionTitle(distribution).split(" ");
  return second === undefined ? first.slice(0, 2) : `${first.charAt(0)}${second.charAt(0)}`;
}

/** Dark enough for white letters in either theme (4.5 to 1 and more). */
const colours = ["#a61e4d", "#862e9c", "#5f3dc4", "#364fc7", "#1864ab", "#0b7285", "#087f5b", "#2b6a2f", "#8a4b00", "#b42318"];

/** Always the same one for the same distribution. */
export function colourOf(distribution: string): string {
  let sum = 0;
  for (const letter of distribution) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return colours[sum % colours.length] ?? "#364fc7";
}
