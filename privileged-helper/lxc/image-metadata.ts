import { damaged, readTar } from "../archive/tar-reader.ts";

/**
 * What an image server tells about an image in its second archive (lxc-download(1), distrobuilder): a configuration of which we believe
 * only which distribution it is and what its init is called, and the files in which a word stands for the container's name.
 */
export type ImageMetadata = {
  /** As LXC's own configurations for distributions are called. */
  distribution?: string;
  initCommand?: string;
  /** Relative to the root file system. */
  templates: string[];
};

const maxTextBytes = 64 * 1024;
const maxArchiveBytes = 16 * 1024 * 1024;
const maxTemplates = 100;

/** The texts of such an archive that we read at all, by their names. */
export async function readMetadata(bytes: AsyncIterable<Buffer>): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  let total = 0;
  await readTar(bytes, async ({ name, type, size }, readData) => {
    total += size;
    if (total > maxArchiveBytes) throw damaged("more than a description of an image has");
    const plain = name.replace(/^(\.\/)+/, "");
    if (type !== "file" || size > maxTextBytes || !/^(templates|config(-user)?(\.\d)?)$/.test(plain)) return;
    const pieces: Buffer[] = [];
    for await (const piece of readData()) pieces.push(piece);
    texts[plain] = Buffer.concat(pieces).toString("utf8");
  });
  return texts;
}

/** What those texts say that is of use, and harmless. */
export function parseMetadata(texts: Readonly<Record<string, string>>): ImageMetadata {
  const configs = Object.keys(texts)
    .filter((name) => name.startsWith("config"))
    .sort()
    .map((name) => texts[name] ?? "");
  const find = (pattern: RegExp) => configs.map((text) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
  const distribution = find(/^lxc\.include\s*=\s*LXC_TEMPLATE_CONFIG\/([a-z0-9-]{1,40})\.(?:common|userns)\.conf\s*$/m);
  const initCommand = find(/^lxc\.init\.cmd\s*=\s*(\/[A-Za-z0-9._/-]{1,200})\s*$/m);
  const templates = (texts.templates ?? "")
    .split("\n")
    .map((line) => line.trim().replace(/^\/+/, ""))
    .filter((path) => /^[A-Za-z0-9._/-]{1,500}$/.test(path) && !path.split("/").some((part) => part === ".." || part === "."))
    .slice(0, maxTemplates);
  return {
    templates,
    ...(distribution !== undefined && { distribution }),
    ...(initCommand !== undefined && { initCommand }),
  };
}
