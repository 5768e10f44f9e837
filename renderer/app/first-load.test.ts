import { build } from "esbuild";
import { expect, it } from "vitest";

const buildMilliseconds = 60_000;

it(
  "the page's first load has nothing in it that only dialogs and later pages need",
  async () => {
    const { metafile } = await build({
      entryPoints: ["renderer/main.tsx"],
      bundle: true,
      splitting: true,
      format: "esm",
      outdir: "unused",
      write: false,
      metafile: true,
      jsx: "automatic",
      logLevel: "error",
      loader: { ".svg": "empty", ".woff2": "empty", ".css": "empty" },
    });
    const packages = new Set<string>();
    const names = Object.keys(metafile.outputs).filter((name) => metafile.outputs[name]?.entryPoint === "renderer/main.tsx");
    expect(names).toHaveLength(1);
    for (const name of names) {
      const { inputs = {}, imports = [] } = metafile.outputs[name] ?? {};
      for (const input of Object.keys(inputs)) packages.add(/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? "ours");
      for (const { path, kind } of imports) if (kind === "import-statement" && !names.includes(path)) names.push(path);
    }
    expect([...packages]).toEqual(expect.arrayContaining(["react-dom", "@mantine/core", "ours"]));
    // Schemas of requests, charts, terminals, the editor: each takes megabytes in every page that loads it.
    for (const name of ["zod", "recharts", "@xterm/xterm", "@codemirror/view"]) expect([...packages], name).not.toContain(name);
  },
  buildMilliseconds,
);
