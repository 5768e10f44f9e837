import react from "@vitejs/plugin-react";
import { transform } from "lightningcss";
import { defineConfig, type Plugin } from "vite";

/**
 * Moves the app's style sheet below the skeleton, which is then painted without waiting for it. The app itself does: a module runs
 * after every style sheet that stands in the page (HTML Standard, "a style sheet that is blocking scripts"). It stays above the
 * app, whose own `style` elements say the theme's colours: of two rules alike the later one counts.
 */
const paintSkeletonFirst: Plugin = {
  name: "paint-skeleton-first",
  transformIndexHtml: {
    order: "post",
    handler(html) {
      const sheets = html.match(/ *<link rel="stylesheet"[^>]* href="\.\/assets\/[^>]*>\n/g) ?? [];
      const app = '    <div id="root">';
      if (sheets.length === 0 || !html.includes(app)) throw new Error("the page has no style sheet, or no place for the app");
      return sheets.reduce((rest, sheet) => rest.replace(sheet, ""), html).replace(app, `${sheets.join("")}${app}`);
    },
  },
};

/** Takes the styles of Mantine's components that the app does not have out of its style sheets: their classes stand in no script. */
const leaveOutUnusedStyles: Plugin = {
  name: "leave-out-unused-styles",
  generateBundle(_options, bundle) {
    const files = Object.values(bundle);
    const scripts = files.flatMap((file) => (file.type === "chunk" ? [file.code] : [])).join("\n");
    for (const file of files) {
      if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
      const style = Buffer.from(file.source);
      const classes = new Set(style.toString().match(/(?<=\.)m_[0-9a-f]+\b/g));
      const unusedSymbols = [...classes].filter((name) => !scripts.includes(name));
      file.source = transform({ filename: file.fileName, code: style, minify: true, unusedSymbols }).code;
    }
  },
};

export default defineConfig({
  root: "renderer",
  // Relative addresses work below http://HEX.localhost as well as below app://.
  base: "./",
  plugins: [react(), paintSkeletonFirst, leaveOutUnusedStyles],
  build: {
    outDir: "../dist/renderer",
    emptyOutDir: true,
    target: "chrome130",
    // Inlined files would need data: in more places of the content security policy than images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
});
