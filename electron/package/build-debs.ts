/** `npm run package:deb`: the small packages, from the build in dist/. */
import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { checkout } from "../launch/installed-helper.mjs";
import { describePackages } from "./packages.ts";
import { writeDeb } from "./write-deb.ts";

const folder = join(checkout, "release");
mkdirSync(folder, { recursive: true });
const { helper, app } = describePackages(checkout);
for (const content of [helper, app]) console.log(relative(process.cwd(), writeDeb(content, folder)));
