import type { Client } from "../../backend/client.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";

/** Downloads an image, or goes on with it, and says how that ended, on whatever page the person is by then. */
export async function startDownload(client: Client, image: string, name: string): Promise<void> {
  try {
    await client.call("downloads.start", { image });
    showDone(`${name} is downloaded.`);
  } catch (error) {
    showProblem(error, () => startDownload(client, image, name));
  }
}
