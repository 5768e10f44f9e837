import * as z from "zod";

/** The files of an image that containers are made of, and how long each may be at most. */
export const imageFiles = [
  { name: "meta.tar.xz", maxBytes: 16 * 1024 * 1024 },
  { name: "rootfs.tar.xz", maxBytes: 32 * 1024 * 1024 * 1024 },
] as const;
export type ImageFileName = (typeof imageFiles)[number]["name"];

/** An image as this computer has written it down. */
export const storedImage = z.object({
  id: z.string(),
  server: z.string(),
  path: z.string(),
  distribution: z.string(),
  release: z.string(),
  architecture: z.string(),
  variant: z.string(),
  build: z.string(),
  builtAt: z.number().optional(),
  bytes: z.number().optional(),
});

/** The address of one of its files. */
export function addressOf({ server, path }: { server: string; path: string }, file: string): URL {
  return new URL(`${server}${path}/${file}`);
}
