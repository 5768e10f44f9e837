/**
 * Fetches an image and does nothing with it, as a process of its own so that a test can kill it. Arguments: the folder of images, the
 * reference.
 */
import { type OciReference, parseOciReference } from "../../../../privileged-helper/contract/oci-reference.ts";
import { createHostTasks } from "../../host-tasks.ts";
import { createOciImages } from "../oci-images.ts";

const [folder = "", reference = ""] = process.argv.slice(2);
const images = createOciImages({ folder, stallMilliseconds: 600_000, keptBytes: 1e9 });
const forEver = () => new Promise<never>(() => setInterval(() => {}, 1_000_000));
void createHostTasks().run("download", "test", undefined, (task) =>
  images.fetch({ reference: parseOciReference(reference) as OciReference }, task, async () => undefined, forEver),
);
